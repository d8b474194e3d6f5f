"""Issuing: codes that are minted, their revocation and replacement, finding a code from whatever a person has at hand;
numbered units in bulk."""

from app.issuing.codes import Issued, Match, Revoke, find_code, look_up, read_code, revoke_codes, revoking_unit
from app.issuing.units import (
    LARGEST,
    Cancel,
    ChangeUnits,
    Downloaded,
    Ordered,
    OrderUnits,
    Progress,
    cancel_jobs,
    change_units,
    codes_to_hand_out,
    find_job,
    note_downloads,
    order_units,
)

__all__ = [
    "LARGEST",
    "Cancel",
    "ChangeUnits",
    "Downloaded",
    "Issued",
    "Match",
    "OrderUnits",
    "Ordered",
    "Progress",
    "Revoke",
    "cancel_jobs",
    "change_units",
    "codes_to_hand_out",
    "find_code",
    "find_job",
    "look_up",
    "note_downloads",
    "order_units",
    "read_code",
    "revoke_codes",
    "revoking_unit",
]
