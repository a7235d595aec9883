"""A running worker for the tests of the serving plane."""

from collections.abc import Iterator

import pytest

from tests.adserver.api.running import Client, Worker, running, settings_in
from tests.builders import small_marketplace


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, redis_embedded_url: str) -> Iterator[Worker]:
    """One worker with the small marketplace, shared by the tests of a module."""
    directory = tmp_path_factory.mktemp("house")
    with running(settings_in(directory, redis_embedded_url), small_marketplace()) as started:
        yield started


@pytest.fixture
def client(worker: Worker) -> Client:
    """A client with an address of its own."""
    return worker.client()
