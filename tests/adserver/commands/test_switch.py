"""`adunion switch`: what it says, and that a refusal is a sentence."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adserver.config import Settings
from adserver.stores.catalog import open_catalog
from tests.adserver.commands.conftest import Run
from tests.builders import small_marketplace


@pytest.fixture(autouse=True)
def _catalog(adunion: Run, tmp_path: Path) -> None:
    assert adunion
    catalog = open_catalog(Settings(data_dir=tmp_path / "var"))
    catalog.replace(small_marketplace(), datetime.now(UTC))
    catalog.close()


def test_off_list_and_on_tell_what_they_did(adunion: Run) -> None:
    assert adunion("switch", "list").output == "Nothing is switched off.\n"
    said = adunion("switch", "off", "line-item", "li1", "--reason", "wrong price").output
    assert "Off: line item li1." in said
    assert "adunion switch on line-item li1" in said
    (row,) = json.loads(adunion("switch", "list", "--json").output)
    assert (row["kind"], row["id"], row["by"]) == ("line_item", "li1", "command")
    assert "wrong price" in adunion("switch", "list").output
    assert adunion("switch", "on", "line-item", "li1").output == "On again: line item li1.\n"
    assert adunion("switch", "on", "line-item", "li1").output == "Was not off: line item li1.\n"


def test_everything_needs_no_id(adunion: Run) -> None:
    assert "Off: everything." in adunion("switch", "off", "everything", "--reason", "fire").output
    assert "On again: everything." in adunion("switch", "on", "everything").output


def test_a_refused_switch_is_a_sentence(adunion: Run) -> None:
    said = adunion("switch", "off", "app", "nobody", "--reason", "x", fails=True).output
    assert "there is no app 'nobody'" in said
    assert "Missing option '--reason'" in adunion("switch", "off", "app", "app1", fails=True).output
