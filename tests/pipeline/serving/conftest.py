from collections.abc import Iterator

import pytest
from app_in_thread import AppInThread, run_app
from rest_client import RestClient


@pytest.fixture(name="running")
def _running() -> Iterator[AppInThread]:
    """The app before any version is loaded."""
    with run_app() as app:
        yield app


@pytest.fixture(name="client")
def _client(running: AppInThread) -> RestClient:
    """A client of the app with both versions loaded."""
    running.versions.update()
    return running.client
