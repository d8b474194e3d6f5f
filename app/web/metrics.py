"""What the service counts of itself, in the text format that Prometheus reads."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from app.web.memo import Usage

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counters of one process. `count` may be called from any thread."""

    def __init__(
        self, gauges: dict[str, tuple[str, Callable[[], float]]], caches: Mapping[str, Sequence[Usage]] | None = None
    ) -> None:
        """`caches`: what is kept in memory, by what it is of, such as `pages`."""
        self._caches = caches or {}
        self._lock = threading.Lock()
        self._gauges = gauges
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request; `route` is the template, so that the number of series stays bounded."""
        with self._lock:
            self._requests[method if method in _METHODS else "OTHER", route, status] += 1
            self._seconds[route] += seconds  # type: ignore[assignment]  # a Counter of seconds is a float

    def count(self, name: str, by: int = 1) -> None:
        """Adds to `onecode_<name>_total`, such as `events_recorded`."""
        with self._lock:
            self._counts[name] += by

    def text(self) -> str:
        with self._lock:
            requests, seconds, counts = dict(self._requests), dict(self._seconds), dict(self._counts)
        counts.setdefault("events_recorded", 0)
        lines = ["# HELP onecode_requests_total Answers by route and status.", "# TYPE onecode_requests_total counter"]
        lines += [
            f'onecode_requests_total{{method="{method}",route="{_quoted(route)}",status="{status}"}} {number}'
            for (method, route, status), number in sorted(requests.items())
        ]
        lines += [
            "# HELP onecode_request_seconds_total Time spent answering, by route.",
            "# TYPE onecode_request_seconds_total counter",
        ]
        lines += [
            f'onecode_request_seconds_total{{route="{_quoted(route)}"}} {value:.6f}'
            for route, value in sorted(seconds.items())
        ]
        for name, number in sorted(counts.items()):
            lines += [f"# TYPE onecode_{name}_total counter", f"onecode_{name}_total {number}"]
        for name, (explained, read) in sorted(self._gauges.items()):
            lines += [
                f"# HELP onecode_{name} {explained}",
                f"# TYPE onecode_{name} gauge",
                f"onecode_{name} {read():g}",
            ]
        for name, (explained, sort) in _CACHED.items():
            lines += [f"# HELP onecode_scan_cache_{name} {explained}", f"# TYPE onecode_scan_cache_{name} {sort}"]
            field = "size" if name == "bytes" else name.removesuffix("_total")
            for kept, usages in self._caches.items():
                total = sum(getattr(usage, field) for usage in usages)
                lines.append(f'onecode_scan_cache_{name}{{kept="{kept}"}} {total}')
        return "\n".join(lines) + "\n"


_CACHED = {
    "hits_total": ("Asked for and answered from memory.", "counter"),
    "misses_total": ("Asked for and not kept, or no longer right.", "counter"),
    "evictions_total": ("Dropped for want of room.", "counter"),
    "bytes": ("Kept in memory now.", "gauge"),
}


def _quoted(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
