"""What a process knows of GS1 Digital Links: GTINs and answers, kept until the change feed names something that they
were made from; and how a lot is found that was never asked for."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from app import resolving
from app.domain.digital_link import DigitalLink
from app.domain.links import feed_name
from app.domain.linksets import Resolution
from app.domain.rows import Lot
from app.resolving.finding import Family, Named
from app.store.dependencies import depends_on
from app.store.engine import Database, reading
from app.store.errors import StoreUnavailable
from app.store.lots import Asked, Coded, LotReader
from app.web.gathering import Gathered
from app.web.memo import Made, Memo, Usage
from app.web.middleware import completing
from app.web.resolver_answers import HTML, Answered, Question
from app.web.resolver_forms import LotForm, form_of
from app.web.together import Together

ANSWERS = 32_000_000  # bytes of answers that a process keeps
FAMILIES = 8_000_000  # bytes of what is known of GTINs
# The feed names no lot that another maker gives the same number: such a one shows after this.
BELIEVED = timedelta(minutes=1)
ENTRY = 600  # bytes of an entry beside its body and headers

Key = tuple[bytes, bytes, bytes, bytes, bytes]  # raw path, query, Accept, Accept-Language, Host


class Found(NamedTuple):
    """`names`: what the feed calls all that it was made from; None where it is not to be kept. `lots`: for a page of a
    product, its latest."""

    resolution: Resolution | None
    names: frozenset[str] | None
    lots: tuple[Lot, ...] = ()


class Known(NamedTuple):
    """A GTIN, and the form of its lots."""

    family: Family
    form: LotForm | None


class Resolver:
    """What this process knows of Digital Links."""

    def __init__(self, engine: Database, public_url: str, feed_age: Callable[[], float]) -> None:
        self._engine = engine
        self.root = public_url.rstrip("/")
        self.answers: Memo[Key, Answered] = Memo(feed_age, ANSWERS)
        self._families: Memo[str, Known] = Memo(feed_age, FAMILIES)
        self._complete = completing(public_url)
        self._reader = LotReader(engine)
        self._lots: Gathered[Asked, list[Coded] | None] = Gathered(self._reader.read, self._reader.most)
        self._together: Together[tuple[str, bool], Found] = Together()
        self._making: Together[str, Known] = Together()

    async def redirect(self, gtin: str, number: bytes) -> Answered | None:
        """Where a lot leads whose GTIN is known; None where that takes more to find out."""
        known = self._families.get(gtin, datetime.now(UTC))
        if known is None or known.form is None:
            return None
        text = number.decode()
        try:
            lots = await self._lots.ask(Asked(known.family.products, text, f"/01/{gtin}/10/{text}"))
        except StoreUnavailable:
            return None
        return known.form.filled(number, lots[0].code) if lots and len(lots) == 1 else None

    async def find(self, question: Question) -> Found:
        """What is known of what the question asks for. Raises QueueFull, StoreUnavailable."""
        link = question.link
        if link.key == "01" and question.plain and [ai for ai, _ in link.qualifiers] in ([], ["10"]):
            try:
                found = await self._lot(link)
            except StoreUnavailable:
                found = None  # a thread has the patience for a database that somebody locks
            if found is not None:
                return found
        page = question.kind == HTML
        return await self._together.get((link.path, page), lambda: self._resolve(link, page))

    async def _lot(self, link: DigitalLink) -> Found | None:
        """A GTIN, or a lot of it; None where links were published for the lot."""
        now = datetime.now(UTC)
        known = self._families.get(link.value, now) or await self._making.get(
            link.value, lambda: self._families.make(link.value, lambda: self._family(link.value, now))
        )
        family = known.family
        above = () if family.level is None else (family.level,)
        if not link.qualifiers:
            return Found(Resolution(link, above) if above else None, family.names if above else None)
        number = link.qualifiers[0][1]
        lots = await self._lots.ask(Asked(family.products, number, link.path))
        if lots is None:
            return None
        if not lots:
            return Found(Resolution(link, above) if above else None, None)
        first, *others = (
            resolving.level_of_lot(link, Named(lot.code, number, UUID(lot.id)), family.name, self.root) for lot in lots
        )
        links = (*first.links, *(each for level in others for each in level.links))
        level = type(first)(link, first.description, links)
        own = (name for lot in lots for name in (lot.id, lot.code))
        names = family.names.union((feed_name(link.path), *own))
        return Found(Resolution(link, (level, *above)), names)

    def _family(self, gtin: str, now: datetime) -> Made[Known]:
        with reading(self._engine) as snapshot:
            made = resolving.family(snapshot, gtin, self.root)
        size = ENTRY + (0 if made.level is None else 400 * len(made.level.links))
        known = Known(made, form_of(made, self.root, self._complete))
        size += 0 if known.form is None else len(known.form.link)
        return Made(known, made.names, size, now + BELIEVED, now)

    def _resolve(self, link: DigitalLink, page: bool) -> Found:
        with reading(self._engine) as snapshot, depends_on(snapshot) as noted:
            made = resolving.resolve(snapshot, link, self.root)
            lots = tuple(resolving.latest_lots(snapshot, link)) if page else ()
        if made is None or made.levels[0].link.path != link.path:
            return Found(made, None, lots)
        keys = {f"gtin:{link.value[:14]}", f"gln:{link.value}"}
        return Found(made, frozenset(noted | keys | {feed_name(level.path) for level in link.levels}), lots)

    def forget(self, touched: Iterable[str]) -> None:
        """What the feed calls for every change."""
        names = frozenset(touched)
        # What is known first: an answer that is begun in between is made of it anew.
        self._families.forget(names)
        self.answers.forget(names)

    def forget_all(self) -> None:
        """What the feed calls where it was lost."""
        self._families.forget_all()
        self.answers.forget_all()

    @property
    def usage(self) -> Usage:
        """How the answers have served."""
        return self.answers.usage

    def close(self) -> None:
        self._reader.close()
