"""Commands run as their users run them, each test in a data directory of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adserver.__main__ import main
from tests import schemas

Run = Callable[..., Result]


@pytest.fixture
def adunion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `adunion` with arguments (and standard input); the working directory is empty too."""
    monkeypatch.setenv("ADUNION_DATA_DIR", str(schemas.furnish(tmp_path / "var").parent))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def run(*arguments: str, typed: str | bytes = "", fails: bool = False) -> Result:
        result = CliRunner().invoke(main, arguments, input=typed, prog_name="adunion")
        assert (result.exit_code != 0) is fails, result.output
        return result

    return run
