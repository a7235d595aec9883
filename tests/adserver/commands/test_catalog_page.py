"""docs/catalog.md: its file is sound, its tables are the code's, its commands run in order."""

import re
import shlex
from pathlib import Path

import pytest

from adserver.config import from_environment
from adserver.marketplace.explaining import asset_table, field_table
from adserver.marketplace.fields import Kind
from adserver.marketplace.kinds import KINDS
from adserver.marketplace.targeting_notation import ATTRIBUTES
from adserver.stores.catalog import open_catalog
from models.domain.campaign import LineItem
from tests.adserver.commands.conftest import Run

PAGE = (Path(__file__).parents[3] / "docs/catalog.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_page_explains_every_field_as_the_code_does(kind: Kind) -> None:
    assert field_table(kind) in PAGE


def test_the_page_explains_every_field_of_a_file() -> None:
    assert asset_table() in PAGE


def test_the_page_explains_every_attribute_of_targeting() -> None:
    rows = re.findall(r"^\| ((?:`\w+` ?)+)\|", PAGE, re.MULTILINE)
    explained = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(ATTRIBUTES) <= explained


def test_everything_on_the_page_runs_in_order(adunion: Run) -> None:
    (catalog_yaml,) = blocks("yaml")
    Path("catalog.yaml").write_text(catalog_yaml)
    commands = [
        shlex.split(line.removeprefix("$ adunion "))
        for block in blocks("console")
        for line in block.replace("\\\n", " ").splitlines()
    ]
    assert len(commands) > 15
    for command in commands:
        adunion(*command)
    (program,) = blocks("python")
    exec(compile(program, "docs/catalog.md", "exec"), {})
    catalog = open_catalog(from_environment())
    assert catalog.get(LineItem, "li_splash").bid_micros == 40_000_000
    catalog.close()
