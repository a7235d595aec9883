"""Style as tests, so that it is never argued about: sizes, names, docstrings, left-overs."""

import ast
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ("adserver", "ranking", "affiliate", "models", "loadtest")
MAX_FILE_LINES = 400
MAX_TEST_LINES = 600
MAX_FUNCTION_LINES = 60
HOT_PATH_LINES = 40
NOT_NAMES = {
    "utils", "util", "common", "helpers", "helper", "misc",
    "base", "core", "types", "constants", "manager",
}  # fmt: skip
LEFT_OVERS = ("TO" + "DO", "FIX" + "ME", "HA" + "CK", "X" * 3)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def tracked(*suffixes: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = [ROOT / name for name in listing.stdout.splitlines()]
    return [file for file in files if file.suffix in suffixes and file.exists()]


def source_files() -> list[Path]:
    return [file for file in tracked(".py") if file.relative_to(ROOT).parts[0] in SOURCE]


def functions(file: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, Function):
            yield node


def length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {
        name_of(file): lines
        for file in tracked(".py")
        if (lines := len(file.read_text().splitlines()))
        > (MAX_TEST_LINES if "tests" in file.parts else MAX_FILE_LINES)
    }
    assert long == {}


def test_the_median_file_stays_near_a_hundred_lines() -> None:
    sizes = [len(file.read_text().splitlines()) for file in source_files()]
    assert statistics.median(sizes) <= 150


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{name_of(file)}:{node.lineno} {node.name}": length(node)
        for file in source_files()
        for node in functions(file)
        if length(node) > MAX_FUNCTION_LINES
    }
    assert long == {}


@pytest.mark.parametrize(
    ("file", "function"),
    [("ranking/decision.py", "decide"), ("adserver/api/ads.py", "serve_ad")],
)
def test_the_hot_path_is_one_page(file: str, function: str) -> None:
    (node,) = [node for node in functions(ROOT / file) if node.name == function]
    assert length(node) < HOT_PATH_LINES


def test_no_module_is_called_by_a_name_that_says_nothing() -> None:
    assert [name_of(file) for file in source_files() if file.stem in NOT_NAMES] == []


def test_every_return_is_annotated() -> None:
    bare = [
        f"{name_of(file)}:{node.lineno} {node.name}"
        for file in source_files()
        for node in functions(file)
        if node.returns is None
    ]
    assert bare == []


def test_every_module_says_what_lives_in_it() -> None:
    silent = [
        name_of(file)
        for file in source_files()
        if not ast.get_docstring(ast.parse(file.read_text()))
    ]
    assert silent == []


def test_nothing_is_left_over_for_later() -> None:
    found = [
        f"{name_of(file)}:{number}"
        for file in tracked(".py", ".md", ".toml", ".lua", ".yaml")
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if any(word in line.split() or f"{word}:" in line for word in LEFT_OVERS)
    ]
    assert found == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    words = ("pytest." + "skip", "mark." + "skip", "mark." + "xfail", "import" + "orskip")
    found = [
        f"{name_of(file)}: {word}"
        for file in tracked(".py")
        for word in words
        if word in file.read_text()
    ]
    assert found == []


def test_lock_files_hold_no_addresses() -> None:
    for file in ROOT.glob("requirements*.lock"):
        text = file.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
