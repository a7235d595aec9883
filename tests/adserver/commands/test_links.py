"""`adunion link` as a person calls it."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adserver.stores.database import connect_url
from tests.adserver.commands.conftest import Run
from tests.affiliates import fill


@pytest.fixture(autouse=True)
def market(adunion: Run, tmp_path: Path) -> Iterator[Engine]:
    assert adunion
    (tmp_path / "var").mkdir(exist_ok=True)
    engine = connect_url(f"sqlite:///{tmp_path / 'var' / 'catalog.sqlite'}")
    fill(engine)
    yield engine
    engine.dispose()


def test_a_link_is_made_shown_listed_and_drawn(
    adunion: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADUNION_PUBLIC_URL", "https://go.example")
    words = ("link", "make", "p_blog", "m_shop", "--sku", "A-1", "--sub", "news", "--rate", "12%")
    made = adunion(*words)
    address = made.stdout.strip()
    code = address.rpartition("/")[2]
    assert address == f"https://go.example/r/{code}"
    assert f"adunion link qr {code} {code}.svg" in made.stderr
    assert adunion(*words).stdout == made.stdout

    shown = json.loads(adunion("link", "show", code, "--json").stdout)
    assert shown["rate"] == "12%"
    assert shown["subs"] == ["news", "", "", "", ""]
    assert shown["works"] == "yes"
    listed = json.loads(adunion("link", "list", "--partner", "p_blog", "--json").stdout)
    assert [one["code"] for one in listed] == [code]
    assert code in adunion("link", "list", "--merchant", "m_shop").stdout

    drawn = adunion("link", "qr", code, "poster.svg")
    assert address in drawn.stdout
    assert ET.parse("poster.svg").getroot().tag.endswith("svg")


def test_a_plain_code_is_shown_and_drawn_without_being_made(adunion: Run) -> None:
    shown = json.loads(adunion("link", "show", "p_blog~m_shop~A-1", "--json").stdout)
    assert (shown["sku"], shown["works"]) == ("A-1", "yes")
    assert "no: " in adunion("link", "show", "p_new~m_shop").stdout
    adunion("link", "qr", "p_blog~m_shop", "shop.svg")
    assert "No short link" in adunion("link", "list").stdout


@pytest.mark.parametrize(
    ("words", "answer"),
    [(("make", "p_x", "m_shop"), "there is no partner p_x"),
     (("make", "p_new", "m_shop"), "p_new is applied, not approved"),
     (("make", "p_blog", "m_x"), "there is no merchant m_x"),
     (("make", "p_blog", "m_shop", "--sku", "B"), "has no product B"),
     (("make", "p_blog", "m_shop", "--url", "https://evil.example/"), "merchant's host"),
     (("make", "p_blog", "m_shop", "--rate", "a lot"), "a rate is 12%"),
     (("make", "p_blog", "m_shop", "--rate", "101%"), "at most 100%"),
     (("make", "p_blog", "m_shop", "--name", "n" * 101), "at most 100 characters"),
     (("make", "p_blog", "m_shop", "--sub", "s" * 129), "at most 128 characters"),
     (("make", "p_blog", "m_shop", *("--sub", "s") * 6), "at most 5 sub-ids"),
     (("show", "Ab3dE6g"), "there is no link Ab3dE6g"),
     (("qr", "nothing", "x.svg"), "there is no link nothing")],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_sentence(
    adunion: Run, words: tuple[str, ...], answer: str
) -> None:
    assert answer in adunion("link", *words, fails=True).stderr
    assert not Path("x.svg").exists()


def test_a_link_with_other_terms_asks_for_a_name(adunion: Run) -> None:
    adunion("link", "make", "p_blog", "m_shop")
    refused = adunion("link", "make", "p_blog", "m_shop", "--rate", "5.00", fails=True)
    assert "--name" in refused.stderr
    adunion("link", "make", "p_blog", "m_shop", "--rate", "5.00", "--name", "better")
