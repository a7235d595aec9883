"""Commands run as their users run them, each test in an empty data directory."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adserver.__main__ import main

Run = Callable[..., Result]


@pytest.fixture
def adunion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `adunion` with arguments (and standard input); the working directory is empty too."""
    monkeypatch.setenv("ADUNION_DATA_DIR", str(tmp_path / "var"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def run(*arguments: str, typed: str | bytes = "", fails: bool = False) -> Result:
        result = CliRunner().invoke(main, arguments, input=typed, prog_name="adunion")
        assert (result.exit_code != 0) is fails, result.output
        return result

    return run
