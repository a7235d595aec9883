"""Which entries of the menu are shown to whom, and which one is marked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adserver.accounts.identity import Identity, Role
from adserver.config import Settings
from adserver.console.areas import AREAS
from adserver.console.web.exchange import Call
from adserver.console.web.frame import Frame
from tests.adserver.console.web.running import desk_over

ADVERTISER = Identity(Role.ADVERTISER, "adv1", "ann@example.com", "org1")
OPERATOR = Identity(Role.OPERATOR, "", "op@example.com", "org2")
AT = Call("GET", "/advertisers/adv1", ADVERTISER, datetime(2026, 11, 22, tzinfo=UTC))


@pytest.fixture
def frame(settings: Settings) -> Iterator[Frame]:
    with desk_over(settings) as desk:
        frame = Frame.of(desk, AREAS)
        yield frame
        frame.threads.shutdown()


def marked(frame: Frame, call: Call) -> list[str]:
    return [link.href for link in frame.menu(call) if link.current]


def test_an_overview_is_marked_on_its_own_page_only(frame: Frame) -> None:
    assert marked(frame, AT) == ["/advertisers/adv1"]
    creatives = replace(AT, path="/advertisers/adv1/creatives/cr1")
    assert marked(frame, creatives) == ["/advertisers/adv1/creatives"]


def test_a_page_may_stand_under_an_entry_of_another_path(frame: Frame) -> None:
    call = replace(AT, path="/advertisers/adv1/line-items/li1")
    assert marked(frame, call) == ["/advertisers/adv1/campaigns"]


def test_an_operator_at_an_owners_pages_has_both_menus(frame: Frame) -> None:
    call = replace(AT, who=OPERATOR, params={"advertiser_id": "adv1"})
    links = frame.menu(call)
    assert links[0].group == "adv1"
    assert {link.href for link in links} >= {"/advertisers/adv1/balance", "/house/top-ups"}
    assert len({link.href for link in links}) == len(links)
    assert marked(frame, call) == ["/advertisers/adv1"]


def test_nobody_sees_entries_of_another_role(frame: Frame) -> None:
    assert not [link for link in frame.menu(AT) if link.href.startswith(("/house", "/partners"))]
    assert frame.menu(replace(AT, who=None)) == []


def test_headings_are_said_in_the_callers_language(frame: Frame) -> None:
    call = replace(AT, who=OPERATOR, path="/house", language="zh")
    assert "资金" in [link.group for link in frame.menu(call)]
