"""No link leads in a circle: one that somebody publishes may lead to another Digital Link of this service, and on from
there, as long as it comes to an end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.digital_link import DigitalLink, NotDigitalLink
from app.domain.digital_link_requests import STEPS, Addresses, read
from app.domain.errors import Invalid
from app.domain.links import DEFAULT, WHOLE, PublishedLink, link_type_of
from app.domain.linksets import Link
from app.resolving.finding import resolve, shown
from app.store.engine import Snapshot

_Step = tuple[str, str | None]  # what is asked for: path, and the URI of a link type, None for the default


@dataclass(slots=True)
class Ways:
    """Where links lead, with those of some anchors as they are about to be: `published`."""

    snapshot: Snapshot
    addresses: Addresses
    published: Mapping[str, Sequence[PublishedLink]]
    _ends: dict[_Step, bool] = field(default_factory=dict)

    def require_an_end(self, link: DigitalLink, row: PublishedLink) -> None:
        """Whatever a request asks for and likes. Raises Invalid."""
        made = shown(row)
        if not row.public or self.addresses.target(made.href) is None:
            return
        for asked in (None, row.link_type):
            self._ends = {(link.path, asked): False}
            after = self._after(made, asked)
            if after is not None and made in self._taken(link, asked) and not self._end(*after):
                raise Invalid(
                    "circular-link",
                    "此链接经本服务的 GS1 Digital Link 又回到自身，请改用网页地址 · This link leads over Digital Links "
                    "of this service back to itself, or over too many: name the address of a page",
                    pointer="/href",
                )

    def _end(self, link: DigitalLink, asked: str | None) -> bool:
        """Whether all that may be taken here comes to an end."""
        step = link.path, asked
        if step not in self._ends:
            if len(self._ends) >= STEPS:
                return False
            self._ends[step] = False  # until it is known: whoever comes here again goes in a circle
            following = (self._after(each, asked) for each in self._taken(link, asked))
            self._ends[step] = all(self._end(*after) for after in following if after is not None)
        return self._ends[step]

    def _taken(self, link: DigitalLink, asked: str | None) -> Sequence[Link]:
        """What a request may be led to."""
        found = resolve(self.snapshot, link, self.addresses.root, self.published)
        if found is None:
            return ()
        return found.alternatives() if asked is None else found.of_type(asked)

    def _after(self, link: Link, asked: str | None) -> tuple[DigitalLink, str | None] | None:
        """The Digital Link of ours that a link leads to, and what it is asked for there; None where that is the end."""
        target = self.addresses.target(link.href)
        if target is None:
            return None
        try:
            there = read(*target)
        except NotDigitalLink:
            return None
        if there.link_type in WHOLE:
            return None
        if there.link_type is None:
            return there.link, asked if link.fwqs else None
        wanted = link_type_of(there.link_type)
        return (there.link, None if wanted == DEFAULT else wanted) if wanted is not None else None
