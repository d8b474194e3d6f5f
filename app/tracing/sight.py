"""What of a chain a reader may know: the one place that decides it (Food Safety Law §50: one step up, one step down).

Everybody with a key sees the chain: its products, places, states and events. Amounts, papers' contacts, flags and what
is the custodian's own business (sales, stock-taking) are shown of the reader's own custodies and one step around them.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from app.domain.graph import Link
from app.domain.rights import Principal, Role, owns_site
from app.domain.rows import Site

# Kinds of events that are nobody's business but the custodian's.
PRIVATE = frozenset({"sell", "count"})


class _Everything(Container[bytes]):
    def __contains__(self, _: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Hands:
    """In whose hands a custody is, or was."""

    site_id: bytes | None
    party_id: bytes | None
    gap: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """own: the reader's custodies; full: those and one step around them. An amount on a link is shown where one of its
    ends is the reader's own."""

    own: Container[bytes]
    full: Container[bytes]


# An admin's.
EVERYTHING = Sight(_Everything(), _Everything())


def sight(
    reader: Principal,
    hands: Mapping[bytes, Hands],
    links: Iterable[Link],
    sites: Mapping[bytes, Site],
    markets: Mapping[UUID, Site],
    tested: Iterable[bytes],
) -> Sight:
    """`hands` of every end of `links`; `sites` and the topmost above each; `tested`: what the reader has tested, which
    is a laboratory's own.

    A gap stands for what its receiver does not know: it is as much the reader's own as the goods it came to.
    """
    own = {key for key, held in hands.items() if not held.gap and _owns(reader, held, sites, markets)}
    if reader.role is Role.LAB:
        own.update(tested)
    joined = list(links)
    own |= {link[0] for link in joined if link[1] in own and link[0] in hands and hands[link[0]].gap}
    full = set(own)
    for link in joined:
        if link[0] in own:
            full.add(link[1])
        if link[1] in own:
            full.add(link[0])
    return Sight(own, full)


def _owns(reader: Principal, held: Hands, sites: Mapping[bytes, Site], markets: Mapping[UUID, Site]) -> bool:
    if reader.role in (Role.VENDOR, Role.PRODUCER) and held.party_id is not None:
        # The operator of the time: a stall that changes hands takes no books along.
        return reader.party_id is not None and reader.party_id.bytes == held.party_id
    site = sites.get(held.site_id) if held.site_id is not None else None
    return site is not None and owns_site(reader, site, markets[site.id])
