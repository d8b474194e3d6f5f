"""A receiver of what subscribers are told."""

from collections.abc import Iterator

import pytest

from tests.notifying.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as opened:
        yield opened
