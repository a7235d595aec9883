"""A feed as bytes in, products and faults out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adserver.feeds.reading import Listed, listed
from adserver.feeds.record import Fault
from adserver.feeds.source import opened
from tests.adserver.feeds.shops import NOW, SHOP

Read = Callable[..., list[Listed | Fault]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a feed to a file and reads it; text is written as UTF-8."""

    def reading(content: str | bytes, encoding: str = "") -> list[Listed | Fault]:
        path = tmp_path / "feed"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with opened(path, encoding) as source:
            return list(listed(source, SHOP, NOW))

    return reading
