"""What can go wrong in the store, told apart by what a caller can do about it."""


class StoreUnavailable(Exception):
    """The database or its disk cannot be used now: nothing was written, try again later (HTTP 503)."""


class QueueFull(StoreUnavailable):
    """More is waiting than the service takes on: try again in a moment (HTTP 503)."""


class SchemaOutdated(Exception):
    """The schema is not at the head revision: run `onecode db upgrade`."""
