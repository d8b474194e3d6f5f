"""The stage of every story about a scan."""

import pytest
from httpx2 import Client

from app.web.service import Service
from tests.support.cast import first_key
from tests.support.story import Story


@pytest.fixture
def story(client: Client, service: Service) -> Story:
    return Story(client, first_key(service))
