"""What the service turns down, and why. The class says what sort of refusal it is; the edge alone knows status codes.

`detail` reads "中文 · English" and says what to do next.
"""

from collections.abc import Sequence


class Refusal(Exception):
    """slug: stable name; detail: for a person; pointer: JSON pointer into the request, where there is one."""

    def __init__(self, slug: str, detail: str, *, pointer: str | None = None, identity: str | None = None) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.detail = detail
        self.pointer = pointer
        self.identity = identity


class Malformed(Refusal):
    """Not readable as what it should be (a mistyped code, broken JSON)."""


class Unauthenticated(Refusal):
    """No key, or one that is not known."""


class Forbidden(Refusal):
    """Known, but not theirs to do."""


class NotFound(Refusal):
    """Nothing of that name, or nothing that this reader may know of."""


class NotAcceptable(Refusal):
    """The client takes nothing that there is to give."""


class Conflict(Refusal):
    """The state of things is against it: the same name with other content, goods on hold."""


class TooLarge(Refusal):
    """More than is taken in one piece."""


class TooSlow(Refusal):
    """It did not come to its end in the time that is waited for it."""


class UnsupportedType(Refusal):
    """A media type that is not taken here."""


class UriTooLong(Refusal):
    """An address longer than is read."""


class NotOffered(Refusal):
    """A part of a standard that is not offered here."""


class TooMany(Refusal):
    """Too often in a short time; `retry_after` seconds from now it may be tried again."""

    def __init__(self, slug: str, detail: str, *, retry_after: int) -> None:
        super().__init__(slug, detail)
        self.retry_after = retry_after


class Invalid(Refusal):
    """Readable, but against the rules; `errors` lists every fault as (JSON pointer, detail)."""

    def __init__(
        self, slug: str, detail: str, *, pointer: str | None = None, errors: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(slug, detail, pointer=pointer)
        self.errors = list(errors) or ([(pointer, detail)] if pointer else [])
