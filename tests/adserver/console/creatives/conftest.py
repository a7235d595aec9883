from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adserver.console.creatives.studio import Studio, open_studio


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with open_studio(tmp_path) as opened:
        yield opened
