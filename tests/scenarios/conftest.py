"""The stage of every story."""

import pytest
from starlette.testclient import TestClient

from app.web.service import Service
from tests.support.story import Story


@pytest.fixture
def story(client: TestClient, service: Service) -> Story:
    return Story(client, service)
