"""The exceptions of EPCIS, and the status that the edge gives them."""

import pytest

from app.domain.epcis import exceptions as e
from app.web.problems import problem_of


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (e.ValidationException, 400),
        (e.QueryValidationException, 400),
        (e.QueryParameterException, 400),
        (e.SubscriptionControlsException, 400),
        (e.SecurityException, 403),
        (e.NoSuchNameException, 404),
        (e.NoSuchResourceException, 404),
        (e.NotAcceptableException, 406),
        (e.ResourceAlreadyExistsException, 409),
        (e.CaptureLimitExceededException, 413),
        (e.QueryTooLargeException, 413),
        (e.QueryTooComplexException, 413),
        (e.URITooLongException, 414),
        (e.UnsupportedMediaTypeException, 415),
        (e.ImplementationException, 501),
    ],
)
def test_an_exception_is_a_problem_of_its_own_name(kind: type[e.EpcisException], status: int) -> None:
    body = problem_of(kind("不行 · no", pointer="/query"), instance="/epcis/events")
    assert body["type"] == f"epcisException:{kind.__name__}"
    assert body["status"] == status
    assert body["detail"] == "不行 · no"
    assert body["errors"] == [{"pointer": "/query", "detail": "不行 · no"}]
