"""Tables on a terminal and in a pipe: ids stay whole, nothing that a stranger wrote moves it."""

import pytest

from adserver.commands.catalog_access import print_fields, print_list

LONG = "o6d0c0f3f1f2c4f0e8f4f9a0b1c2d3e4f"
COLUMNS = ("row_id", "app_id", "first_note", "second_note", "third_note")
ROW = {
    "row_id": LONG,
    "app_id": "",
    "first_note": "one " * 9,
    "second_note": "two " * 9,
    "third_note": "three " * 9,
}


def test_in_a_pipe_a_row_is_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    print_list("rows", COLUMNS, [ROW])
    (line,) = [one for one in capsys.readouterr().out.splitlines() if LONG in one]
    assert all(text.strip() in line for text in ROW.values())
    assert "app id" not in line


def test_a_narrow_terminal_keeps_ids_whole_and_leaves_empty_columns_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    print_list("rows", COLUMNS, [ROW])
    told = capsys.readouterr().out
    assert LONG in told
    assert "app id" not in told
    assert "first" in told


def test_a_table_that_fits_shows_its_empty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_list("rows", ("row_id", "app_id"), [ROW])
    assert "app id" in capsys.readouterr().out


def test_escape_sequences_in_names_do_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_list("rows", ("name",), [{"name": "\x1b]0;owned\x07茶 a\u202eb"}])
    print_fields("row", {"name": ["\x1b[2J", "two"]})
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "茶 a" in told
