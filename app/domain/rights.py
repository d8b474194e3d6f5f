"""Who may do what: one table of roles, and the row-level rule that a role works on what is its own."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.domain.ids import office_recorder
from app.domain.rows import Party, Site
from app.domain.stays import Stay


class Role(StrEnum):
    DEVICE = "device"
    VENDOR = "vendor"
    PRODUCER = "producer"
    MARKET = "market"
    LAB = "lab"
    REGULATOR = "regulator"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a key or a person speaks for; `key_id` is the id of either, `person` the
    login name of a person. `region` is a GB/T 2260 prefix; `site_id` the site a device stands on;
    `device_number` and `epoch` are what its receipts are numbered under, `device_kind` is scale, handheld, kiosk or
    instrument, `stays` where it has stood, if at several sites."""

    key_id: UUID
    role: Role
    party_id: UUID | None
    region: str | None
    device_id: UUID | None
    site_id: UUID | None
    device_number: int | None = None
    epoch: int | None = None
    device_kind: str | None = None
    stays: tuple[Stay, ...] = ()
    person: str | None = None

    @property
    def recorder_id(self) -> UUID:
        """What event ids are derived from: the device, else the party, else the office; never the key."""
        return self.device_id or self.party_id or office_recorder(self.role, self.region)


_TRADE = frozenset(
    {"produce", "transform", "ship", "receive", "return", "sell", "destroy", "certify", "identify", "count", "correct"}
)
RECORDS: dict[Role, frozenset[str]] = {
    Role.DEVICE: frozenset({"sell", "return", "observe", "correct"}),
    Role.VENDOR: _TRADE,
    Role.PRODUCER: _TRADE,
    Role.MARKET: _TRADE | {"admit", "test", "hold", "release"},
    Role.LAB: frozenset({"test", "correct"}),
    Role.REGULATOR: frozenset({"hold", "release", "test", "correct"}),
    # Reads who has looked at personal data, and nothing else.
    Role.AUDITOR: frozenset(),
    Role.ADMIN: _TRADE | {"admit", "test", "hold", "release", "observe"},
}

# A rapid-test instrument (快检仪) tests for the market that it stands in, and sells nothing.
_INSTRUMENT = frozenset({"test", "observe", "correct"})


def records(principal: Principal) -> frozenset[str]:
    """The kinds of event that the principal may record."""
    return _INSTRUMENT if is_instrument(principal) else RECORDS[principal.role]


def is_instrument(principal: Principal) -> bool:
    return principal.device_kind == "instrument"


# Who may bring EPCIS documents in: their events are recorded as asserted by its party.
CAPTURES = frozenset({Role.VENDOR, Role.PRODUCER, Role.MARKET, Role.ADMIN})

# Who may have what concerns it sent to it.
HOOKS = frozenset({Role.VENDOR, Role.PRODUCER, Role.MARKET, Role.REGULATOR, Role.ADMIN})

# Nobody releases a hold of a higher authority.
AUTHORITY: dict[Role, int] = {
    Role.DEVICE: 0,
    Role.VENDOR: 0,
    Role.PRODUCER: 0,
    Role.LAB: 1,
    Role.AUDITOR: 0,
    Role.MARKET: 1,
    Role.REGULATOR: 2,
    Role.ADMIN: 3,
}


def authority(principal: Principal) -> int:
    """How high the principal's holds stand; an instrument's are its market's."""
    return AUTHORITY[Role.MARKET if is_instrument(principal) else principal.role]


def owns_site(principal: Principal, site: Site, market: Site | None) -> bool:
    """True where the site is the principal's own to record at or to read in full.

    `market` is the site's topmost ancestor (itself for a root): a market works for all of its stalls, a device for the
    site it stands on and what lies below, a regulator for its region.
    """
    match principal.role:
        case Role.ADMIN:
            return True
        case Role.REGULATOR:
            return principal.region is not None and (site.region or "").startswith(principal.region)
        case Role.DEVICE:
            return principal.site_id is not None and principal.site_id.hex + "/" in site.path
        case Role.MARKET:
            return principal.party_id in (site.party_id, market.party_id if market else None)
        case Role.VENDOR | Role.PRODUCER:
            return principal.party_id == site.party_id
        case Role.LAB | Role.AUDITOR:
            return False


# Under whose name any key of the operator records.
OPERATORS_OFFICE = office_recorder(Role.ADMIN, None)

# Who may enrol what; the rows it may be done for are owns_party's and owns_site's.
ENROLS: dict[Role, frozenset[str]] = {
    Role.DEVICE: frozenset(),
    Role.VENDOR: frozenset({"site", "product", "device", "document"}),
    Role.PRODUCER: frozenset({"site", "product", "device", "document"}),
    Role.MARKET: frozenset({"party", "site", "product", "device", "key", "document"}),
    Role.LAB: frozenset({"document"}),
    Role.REGULATOR: frozenset({"party", "document"}),
    Role.AUDITOR: frozenset(),
    Role.ADMIN: frozenset({"party", "site", "product", "device", "key", "document"}),
}


def owns_party(principal: Principal, party: Party, markets: Collection[UUID]) -> bool:
    """True where the party is the principal's own to read in full, contact included; manages_party says who changes it.

    `markets` are the parties that run the topmost sites above the party's own sites.
    """
    match principal.role:
        case Role.ADMIN:
            return True
        case Role.REGULATOR:
            return principal.region is not None and (party.region or "").startswith(principal.region)
        case Role.MARKET:
            return principal.party_id in (party.id, party.enrolled_by) or principal.party_id in markets
        case Role.VENDOR | Role.PRODUCER | Role.LAB:
            return principal.party_id == party.id
        case Role.DEVICE | Role.AUDITOR:
            return False


def manages_party(principal: Principal, party: Party, markets: Collection[UUID]) -> bool:
    """True where the principal may change the party, set its status and make its keys; `markets` as for owns_party.

    A market does so for whoever stands in it and nowhere else, or stands nowhere yet and was enrolled by it. Of one
    that trades elsewhere too, it has the stalls and no more.
    """
    if principal.role is Role.MARKET and principal.party_id != party.id:
        return set(markets or (party.enrolled_by,)) == {principal.party_id}
    return owns_party(principal, party, markets)


def takes_in(principal: Principal, party: Party, markets: Collection[UUID]) -> bool:
    """True where the principal may give the party a stall, `markets` as for owns_party.

    A party at its stall is a market's to manage. So a market takes in who is there already; and of those who stand
    nowhere, whom it enrolled itself, or a vendor whom an office did: a farm not yet on the map is nobody's prey.
    """
    if principal.role is not Role.MARKET:
        return principal.role is Role.ADMIN
    if principal.party_id == party.id or principal.party_id in markets:
        return True
    given = party.enrolled_by == principal.party_id or (party.kind == "vendor" and party.enrolled_by in _offices(party))
    return not markets and given


def _offices(party: Party) -> set[UUID]:
    """The recorders of the operator and of the regulators of the party's region."""
    regions = {region_prefix((party.region or "")[:length]) for length in (2, 4, 6)} - {""}
    return {OPERATORS_OFFICE} | {office_recorder(Role.REGULATOR, region) for region in regions}


def manages_key(holder: Role, role: Role) -> bool:
    """True where a key renames and revokes one of this role, both of one party: never one above its own."""
    return AUTHORITY[role] <= AUTHORITY[holder]


def lifts_lock(
    principal: Principal, holders: Collection[UUID | None], seller: UUID | None = None, *, runs_market: bool = False
) -> bool:
    """True where the principal may lift a lock that these recorders hold: nobody lifts that of a higher authority, a
    market only its own and that of the `seller` at whose stall the thing stands, a seller only its own. `runs_market`:
    the principal's party has a market's keys as well, and under its name the market may have locked."""
    match principal.role:
        case Role.ADMIN:
            return True
        case Role.REGULATOR:
            return OPERATORS_OFFICE not in holders
        case Role.MARKET:
            return set(holders) <= {principal.recorder_id, seller}
        case _:
            return set(holders) <= {principal.recorder_id} and not runs_market


def judges(principal: Principal, party_id: UUID) -> bool:
    """True where the principal may set the status of what it owns: an office, or a market over others than itself."""
    return principal.role in (Role.ADMIN, Role.REGULATOR) or (
        principal.role is Role.MARKET and principal.party_id != party_id
    )


def region_prefix(region: str) -> str:
    """A regulator's region as the prefix of all that lies in it: 330100 and 3301 are one (GB/T 2260)."""
    while len(region) > 2 and region.endswith("00"):
        region = region[:-2]
    return region
