"""The exceptions of EPCIS 2.0 (§8.2.6; its REST binding's `epcisException:…` types), as refusals.

`slug` is the exception's own name, so that an answer's `type` is `epcisException:` and the slug. The edge tells the
status by the class of app.domain.errors that each derives from.
"""

from typing import ClassVar

from app.domain import errors


class EpcisException(errors.Refusal):
    """detail: "中文 · English"; parameter: the query parameter that is at fault, where one is."""

    exception: ClassVar[str]

    def __init__(self, detail: str, *, parameter: str | None = None, pointer: str | None = None) -> None:
        errors.Refusal.__init__(self, self.exception, detail, pointer=pointer)
        self.parameter = parameter


class ValidationException(EpcisException, errors.Malformed):
    """A document, or the body of a request, that is not what the standard says (400)."""

    exception = "ValidationException"


class QueryValidationException(EpcisException, errors.Malformed):
    """A definition of a query that is not formed as one (400)."""

    exception = "QueryValidationException"


class QueryParameterException(EpcisException, errors.Malformed):
    """A parameter that the standard does not know, that is given twice, or whose value is of the wrong type or out of
    range (400)."""

    exception = "QueryParameterException"


class SubscriptionControlsException(EpcisException, errors.Malformed):
    """A subscription whose schedule, trigger or destination cannot be (400)."""

    exception = "SubscriptionControlsException"


class SecurityException(EpcisException, errors.Forbidden):
    """Not theirs to do (403; the web layer answers 401 where nobody is known)."""

    exception = "SecurityException"


class NoSuchNameException(EpcisException, errors.NotFound):
    """No query of that name (404)."""

    exception = "NoSuchNameException"


class NoSuchResourceException(EpcisException, errors.NotFound):
    """No event, job, subscription or value of that name (404)."""

    exception = "NoSuchResourceException"


class NotAcceptableException(EpcisException, errors.NotAcceptable):
    """An answer cannot be given as the request's headers ask for it (406)."""

    exception = "NotAcceptableException"


class ResourceAlreadyExistsException(EpcisException, errors.Conflict):
    """The name is taken, for other content (409). Earlier editions say DuplicateNameException."""

    exception = "ResourceAlreadyExistsException"


class CaptureLimitExceededException(EpcisException, errors.TooLarge):
    """More events or bytes than are captured in one call (413)."""

    exception = "CaptureLimitExceededException"


class QueryTooLargeException(EpcisException, errors.TooLarge):
    """The result would be larger than asked or served (413)."""

    exception = "QueryTooLargeException"


class QueryTooComplexException(EpcisException, errors.TooLarge):
    """The query takes more work than is done for one (413)."""

    exception = "QueryTooComplexException"


class URITooLongException(EpcisException, errors.UriTooLong):
    """The query does not fit a URL; POST it (414)."""

    exception = "URITooLongException"


class UnsupportedMediaTypeException(EpcisException, errors.UnsupportedType):
    """A media type that is not taken here (415)."""

    exception = "UnsupportedMediaTypeException"


class ImplementationException(EpcisException, errors.NotOffered):
    """A part of the standard, or a version of it, that is not offered here (501)."""

    exception = "ImplementationException"
