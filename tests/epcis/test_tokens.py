"""Where a next page begins is told to nobody in words."""

import base64
from datetime import UTC, datetime

from app.enrolling.keys import OPERATOR
from app.exchanging.querying import Cursor
from app.web.epcis.tokens import Tokens

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_token_does_not_name_what_lies_where_it_leads() -> None:
    """A look may end at an EPC, or a value, of events that the reader may not read."""
    cursor = Cursor(("urn:epc:id:sgtin:4012345.012345.7" * 9, 12), 3, None, "epc")
    tokens = Tokens(b"m" * 32, OPERATOR, "q")
    token, _ = tokens.write(cursor, NOW)
    assert b"4012345" not in base64.b64decode(token + "===", altchars=b"-_")
    assert tokens.read(token, NOW) == cursor
