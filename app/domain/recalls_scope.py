"""Which goods a recall is of: what selects them, and what is left out of that and why.

A lot is recalled in all hands, with everything made of any of it; goods in one pair of hands with everything that comes
from them. Goods that were at a place in a window of time are each recalled so. What is excluded is spared, and what
came through it alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Window:
    """Goods that came to a site (or below it), or to any site of a party, from `since` until before `until`; of these
    products or categories ("pork" covers "pork.belly"), of any where none are named."""

    site_id: UUID | None = None
    party_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    products: tuple[UUID, ...] = ()
    categories: tuple[str, ...] = ()

    def takes(self, product_id: UUID, category: str) -> bool:
        if not self.products and not self.categories:
            return True
        return product_id in self.products or any(covers(each, category) for each in self.categories)


def covers(wider: str, category: str) -> bool:
    return category == wider or category.startswith(f"{wider}.")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Goods in one pair of hands, or all goods at a site or below it, and why they are not concerned."""

    reason: str
    custody_id: UUID | None = None
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """`codes`: as they were scanned or typed; what they name stands among the rest."""

    lots: tuple[UUID, ...] = ()
    custodies: tuple[UUID, ...] = ()
    windows: tuple[Window, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    codes: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """As it is kept and shown."""
        return {
            "codes": list(self.codes),
            "lots": [str(key) for key in self.lots],
            "custodies": [str(key) for key in self.custodies],
            "sites": [
                {
                    "site_id": _text(window.site_id),
                    "party_id": _text(window.party_id),
                    "since": window.since.isoformat() if window.since else None,
                    "until": window.until.isoformat() if window.until else None,
                    "products": [str(key) for key in window.products],
                    "categories": list(window.categories),
                }
                for window in self.windows
            ],
            "exclusions": [
                {
                    "custody_id": _text(each.custody_id),
                    "site_id": _text(each.site_id),
                    "reason": each.reason,
                }
                for each in self.exclusions
            ],
        }


def read_scope(body: Mapping[str, Any]) -> Scope:
    """What `Scope.json` wrote."""
    return Scope(
        tuple(map(UUID, body["lots"])),
        tuple(map(UUID, body["custodies"])),
        tuple(
            Window(
                _id(each["site_id"]), _id(each["party_id"]), _moment(each["since"]), _moment(each["until"]),
                tuple(map(UUID, each["products"])), tuple(each["categories"]),
            )
            for each in body["sites"]
        ),
        tuple(Exclusion(each["reason"], _id(each["custody_id"]), _id(each["site_id"])) for each in body["exclusions"]),
        tuple(body["codes"]),
    )  # fmt: skip


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
