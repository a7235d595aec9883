"""The command `adunion`: a table, resolved late."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from adserver.__main__ import SECTIONS, main

NAMES = [name for rows in SECTIONS.values() for name in rows]


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_the_table_is_a_command_that_explains_itself(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert f"Usage: main {name}" in result.output


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name in NAMES:
        assert f"  {name} " in result.output


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from adserver.__main__ import main;"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0;"
        "heavy = {'numba', 'sqlalchemy', 'chdb', 'lightgbm', 'adserver.commands'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(main, ["fly"])
    assert result.exit_code == 2
    assert "No such command 'fly'" in result.output


def test_a_wrong_setting_reads_as_a_mistake_and_not_as_a_crash() -> None:
    result = CliRunner().invoke(main, ["advertiser", "list"], env={"ADUNION_PROT": "80"})
    assert result.exit_code == 1
    assert result.output.startswith("Error: ADUNION_PROT is not a setting")


def test_a_data_directory_that_is_none_reads_as_a_mistake_and_not_as_a_crash(
    tmp_path: Path,
) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    result = CliRunner().invoke(main, ["advertiser", "list"], env={"ADUNION_DATA_DIR": str(taken)})
    assert (result.exit_code, result.output) == (1, f"Error: {taken}: File exists\n")


def test_commands_can_still_be_added_in_the_usual_way() -> None:
    @click.command("extra")
    def extra() -> None:
        click.echo("done")

    main.add_command(extra)
    try:
        assert CliRunner().invoke(main, ["extra"]).output == "done\n"
    finally:
        del main.commands["extra"]
