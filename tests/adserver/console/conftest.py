"""A data directory with a short path, and settings over it with ports nobody uses."""

from pathlib import Path

import pytest

from adserver.config import Settings
from tests.engines import free_port


@pytest.fixture
def settings(short_dir: Path, redis_server_url: str) -> Settings:
    """Embedded chDB and SQLite, a real Redis, fast loops."""
    return Settings(
        data_dir=short_dir,
        redis_url=redis_server_url,
        console_port=free_port(),
        ship_interval_ms=20,
        history_interval_s=1,
    )
