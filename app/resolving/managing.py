"""Links that producers publish for their own keys: made, changed, taken away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.domain.digital_link import DigitalLink
from app.domain.digital_link_requests import Addresses
from app.domain.errors import Conflict, Forbidden, NotFound, Refusal
from app.domain.links import (
    MOST,
    PublishedLink,
    check_href,
    check_type,
    check_words,
    feed_name,
    identity,
    link_id,
    read_anchor,
)
from app.domain.rights import ENROLS, Principal, Role, owns_party, owns_site
from app.domain.rows import Party, Product, Site
from app.resolving.circles import Ways
from app.store import links as store
from app.store import master
from app.store.engine import Database, Snapshot, reading
from app.store.writer import Transaction, decided

_NOBODY = UUID(int=0)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PublishLink:
    """`form`: anchor, link_type, href, title, hreflang, type, context, fwqs, public, default. `addresses`: of the
    service."""

    principal: Principal
    form: Mapping[str, Any]
    addresses: Addresses


@dataclass(frozen=True, slots=True)
class Published:
    """`created` is False where it was there already."""

    row: PublishedLink
    created: bool


@dataclass(frozen=True, slots=True)
class ChangeLink:
    """`changes`: fields of the form, but for its anchor."""

    principal: Principal
    link_id: UUID
    changes: Mapping[str, Any]
    addresses: Addresses


@dataclass(frozen=True, slots=True)
class RemoveLink:
    """Takes the link away."""

    principal: Principal
    link_id: UUID


def publish_links(transaction: Transaction, commands: Sequence[PublishLink]) -> Sequence[Published | Exception]:
    """Job: each a link; the same again is the same one."""
    connection = transaction.connection
    read = [_checked(command) for command in commands]
    anchors = {link.path: link for found in read if not isinstance(found, Refusal) for link in (found[0],)}
    known = store.lock(connection, anchors)
    owners = _Owners(connection, anchors.values())
    changed: dict[UUID, PublishedLink] = {}

    def decide(asked: tuple[PublishLink, tuple[DigitalLink, PublishedLink] | Refusal]) -> Published:
        command, found = asked
        if isinstance(found, Refusal):
            raise found
        link, row = found
        owners.require(command.principal, link)
        there = known.setdefault(row.anchor, [])
        before = next((each for each in there if identity(each) == identity(row)), None)
        if before is not None:
            same = replace(
                row,
                id=before.id,
                owner_id=before.owner_id,
                hreflang=before.hreflang,
                context=before.context,
                record_time=before.record_time,
            )
            if same != before:
                raise _exists(before)
            return Published(before, False)
        if len(there) >= MOST:
            raise Conflict(
                "too-many-links",
                f"每个锚点最多 {MOST} 条链接，请先删除不用的 · At most {MOST} links of one anchor: delete one first",
            )
        made = replace(row, id=link_id(row, {each.id for each in there}), record_time=transaction.now)
        Ways(connection, command.addresses, {**known, made.anchor: _with(there, made)}).require_an_end(link, made)
        _only_default(there, made, changed)
        there.append(made)
        changed[made.id] = made
        transaction.touched.add(feed_name(made.anchor))
        return Published(made, True)

    results = decided(list(zip(commands, read, strict=True)), decide)
    store.save(connection, changed.values())
    return results


def change_links(transaction: Transaction, commands: Sequence[ChangeLink]) -> Sequence[PublishedLink | Exception]:
    """Job: changes links; a new default takes the place of the one before."""
    connection = transaction.connection
    here, known, owners = _present(connection, [command.link_id for command in commands])
    changed: dict[UUID, PublishedLink] = {}

    def decide(command: ChangeLink) -> PublishedLink:
        before = _mine(command.principal, here.get(command.link_id), owners)
        row: PublishedLink = replace(before, **_changes(command.changes))
        _require_words(row)
        there = known[row.anchor]
        same = next((each for each in there if each.id != row.id and identity(each) == identity(row)), None)
        if same is not None:
            raise _exists(same)
        after = {**known, row.anchor: _with(there, row)}
        Ways(connection, command.addresses, after).require_an_end(read_anchor(row.anchor), row)
        there[:] = [row if each.id == row.id else each for each in there]
        _only_default(there, row, changed)
        here[row.id] = changed[row.id] = row
        transaction.touched.add(feed_name(row.anchor))
        return row

    results = decided(commands, decide)
    store.save(connection, changed.values())
    return results


def remove_links(transaction: Transaction, commands: Sequence[RemoveLink]) -> Sequence[PublishedLink | Exception]:
    """Job: takes links away."""
    connection = transaction.connection
    here, _, owners = _present(connection, [command.link_id for command in commands])
    removed: list[PublishedLink] = []

    def decide(command: RemoveLink) -> PublishedLink:
        row = _mine(command.principal, here.pop(command.link_id, None), owners)
        removed.append(row)
        transaction.touched.add(feed_name(row.anchor))
        return row

    results = decided(commands, decide)
    store.remove(connection, removed)
    return results


def find_link(snapshot: Snapshot, principal: Principal, key: UUID) -> PublishedLink:
    """Raises NotFound for one that is not the reader's to manage."""
    row = store.by_ids(snapshot, [key]).get(key)
    owners = _Owners(snapshot, [read_anchor(row.anchor)] if row else [])
    return _mine(principal, row, owners)


def list_links(
    database: Database, principal: Principal, anchor: str | None, after: store.Place | None, limit: int
) -> list[PublishedLink]:
    """What the principal has published, all for the operator; of one anchor where that is given. Raises Invalid."""
    path = None if anchor is None else read_anchor(anchor).path
    owner = None if principal.role is Role.ADMIN else principal.recorder_id
    with reading(database) as snapshot:
        return store.page(snapshot, owner, path, after, limit)


def _present(
    connection: Snapshot, ids: Sequence[UUID]
) -> tuple[dict[UUID, PublishedLink], dict[str, list[PublishedLink]], "_Owners"]:
    """The links, locked, with all of their anchors."""
    anchors = {row.anchor for row in store.by_ids(connection, ids).values()}
    known = store.lock(connection, anchors)
    here = {row.id: row for listed in known.values() for row in listed}
    return here, known, _Owners(connection, [read_anchor(anchor) for anchor in anchors])


def _checked(command: PublishLink) -> tuple[DigitalLink, PublishedLink] | Refusal:
    form = dict(command.form)
    try:
        link = read_anchor(form["anchor"])
        form["anchor"] = link.path
        form |= _changes(form)
        # Id and time come with the transaction that writes it.
        row = PublishedLink(id=_NOBODY, owner_id=command.principal.recorder_id, record_time=_NEVER, **form)
        _require_words(row)
    except Refusal as refusal:
        return refusal
    return link, row


def _changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(changes)
    if "link_type" in found:
        found["link_type"] = check_type(found["link_type"])
    if "href" in found:
        found["href"] = check_href(found["href"])
    if "hreflang" in found:
        found["hreflang"] = list(dict.fromkeys(tag[:3] + tag[3:].upper() for tag in found["hreflang"]))
    if "context" in found:
        found["context"] = list(dict.fromkeys(found["context"]))
    return found


def _require_words(row: PublishedLink) -> None:
    check_words(row.hreflang, row.type, row.context)


def _exists(row: PublishedLink) -> Conflict:
    told = "此链接已存在，内容不同，请改用 PATCH · This link is there with other content: change it by PATCH"
    return Conflict("link-exists", told, identity=str(row.id))


def _with(there: Iterable[PublishedLink], row: PublishedLink) -> list[PublishedLink]:
    """The links of an anchor once a link is among them."""
    return [replace(each, default=each.default and not row.default) for each in there if each.id != row.id] + [row]


def _only_default(there: list[PublishedLink], row: PublishedLink, changed: dict[UUID, PublishedLink]) -> None:
    """One default of an anchor."""
    if not row.default:
        return
    for at, other in enumerate(there):
        if other.default and other.id != row.id:
            there[at] = changed[other.id] = replace(other, default=False)


def _mine(principal: Principal, row: PublishedLink | None, owners: "_Owners") -> PublishedLink:
    if row is None or not (row.owner_id == principal.recorder_id or owners.owns(principal, read_anchor(row.anchor))):
        raise NotFound("not-found", "没有这条链接，请检查编号 · There is no such link: check the id")
    return row


class _Owners:
    """Whose keys they are: the product that was enrolled first under a GTIN, the sites of a GLN, the party of one."""

    def __init__(self, snapshot: Snapshot, links: Iterable[DigitalLink]) -> None:
        listed = list(links)
        gtins = {gtin for link in listed if (gtin := _gtin(link))}
        self._products: dict[str, list[Product]] = store.products(snapshot, gtins)
        glns = {link.value for link in listed if link.key == "414"}
        self._sites: dict[str, list[Site]] = {gln: store.sites(snapshot, gln, None) for gln in glns}
        self._markets = master.markets(snapshot, [site for rows in self._sites.values() for site in rows])
        numbers = {link.value for link in listed if link.key == "417"}
        self._parties: dict[str, list[Party]] = {gln: store.parties(snapshot, gln) for gln in numbers}
        known = [party.id for rows in self._parties.values() for party in rows]
        self._standing = master.markets_of_parties(snapshot, known)

    def owns(self, principal: Principal, link: DigitalLink) -> bool:
        if principal.role is Role.ADMIN:
            return True
        if "product" not in ENROLS[principal.role]:
            return False
        gtin = _gtin(link)
        if gtin:
            first = next(iter(self._products.get(gtin, ())), None)
            return first is not None and first.enrolled_by == principal.recorder_id
        if link.key == "414":
            first_site = next(iter(self._sites.get(link.value, ())), None)
            return first_site is not None and owns_site(principal, first_site, self._markets[first_site.id])
        if link.key == "417":
            first_party = next(iter(self._parties.get(link.value, ())), None)
            return first_party is not None and owns_party(principal, first_party, self._standing[first_party.id])
        return False

    def require(self, principal: Principal, link: DigitalLink) -> None:
        if not self.owns(principal, link):
            raise Forbidden(
                "not-your-key",
                "只能为自己登记的商品（GTIN）、场所（GLN）或主体发布链接，请先登记，或由管理员发布 · "
                "Links are published for products (GTIN), sites (GLN) and parties of your own: enrol it first, or ask "
                "the operator",
                pointer="/anchor",
            )


def _gtin(link: DigitalLink) -> str:
    return link.value[:14] if link.key in ("01", "8006") else ""
