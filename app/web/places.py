"""Where a scan came from, as coarsely as an operator's table of networks says. The address itself is not kept."""

import csv
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from app.domain.identifiers import check_region
from app.domain.rights import region_prefix

# By version of the protocol: lengths of prefixes, the longest first, each with its networks and their regions.
_Table = dict[int, list[tuple[int, dict[int, str]]]]


class Places:
    """A table of networks; without rows it knows no place."""

    def __init__(self, rows: Iterable[tuple[IPv4Network | IPv6Network, str]] = ()) -> None:
        found: dict[int, dict[int, dict[int, str]]] = {4: {}, 6: {}}
        for network, region in rows:
            shift = network.max_prefixlen - network.prefixlen
            found[network.version].setdefault(shift, {})[int(network.network_address) >> shift] = region_prefix(region)
        self._table: _Table = {version: sorted(shifts.items()) for version, shifts in found.items()}

    def of(self, host: str | None) -> str | None:
        """The region (GB/T 2260) of the smallest network that has the address; None where no network has it."""
        try:
            address = ip_address(host or "")
        except ValueError:
            return None
        number = int(address)
        for shift, networks in self._table[address.version]:
            if (region := networks.get(number >> shift)) is not None:
                return region
        return None


def read_places(path: Path) -> Places:
    """The table in a CSV file with the columns `network` (as 203.0.113.0/24) and `region` (GB/T 2260, 2, 4 or 6
    digits). Raises ValueError with the line, OSError."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not {"network", "region"} <= set(reader.fieldnames or ()):
            raise ValueError(f"{path}: the first line names the columns network and region")
        return Places([_row(path, reader.line_num, row["network"], row["region"]) for row in reader])


def _row(path: Path, line: int, network: str | None, region: str | None) -> tuple[IPv4Network | IPv6Network, str]:
    try:
        told = ip_network((network or "").strip())
    except ValueError as error:
        raise ValueError(f"{path}, line {line}: {error}") from None
    wanted = (region or "").strip()
    faults: Sequence[object] = [fault for fault in check_region(wanted, prefix=True) if fault.severity == "error"]
    if faults:
        raise ValueError(f"{path}, line {line}: {wanted!r} is no region of GB/T 2260")
    return told, wanted
