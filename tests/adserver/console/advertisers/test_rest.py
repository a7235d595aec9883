"""The REST calls of the area, over real HTTP with keys."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adserver.accounts.identity import Role
from adserver.console.advertisers.area import AREA
from models.domain.campaign import Campaign, LineItem
from tests.adserver.api.running import Reply
from tests.adserver.console.advertisers.house import COST, House, show_ads, with_log
from tests.adserver.console.web.people import program_of
from tests.adserver.console.web.running import Browser, listening

ROOT = "/api/v1/advertisers/adv1"
PARAMS = {"advertiser_id": "adv1", "campaign_id": "cmp1", "line_item_id": "li1",
          "top_up_id": "tu_none"}  # fmt: skip
ITEM = {"campaign_id": "cmp1", "name": "By program", "pricing": "cpm", "bid_micros": 5_000_000,
        "starts_at": "2026-11-20T08:00:00+08:00"}  # fmt: skip


class Open:
    """A house with a port, and a program of adv1's."""

    def __init__(self, house: House, port: int) -> None:
        self.house, self.port = house, port
        self.programs: dict[str, Browser] = {}

    def send(self, method: str, path: str, body: Any = None, role: str = "adv1") -> Reply:
        if role not in self.programs:
            kind = Role.OPERATOR if role == "op" else Role.ADVERTISER
            owner = "" if role == "op" else role
            self.programs[role] = program_of(self.house.desk, self.port, kind, owner)
        sent = None if body is None else json.dumps(body).encode()
        return self.programs[role].call(method, path, sent, Content_Type="application/json")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    with with_log(tmp_path_factory.mktemp("console")) as house:
        house.pay(9_000_000, "B1")
        house.pay(1_000_000, "B2")
        with listening(house.desk) as port:
            yield Open(house, port)


@pytest.mark.parametrize("endpoint", AREA.endpoints, ids=lambda one: f"{one.method} {one.path}")
def test_a_stranger_learns_nothing(opened: Open, endpoint: Any) -> None:
    path = endpoint.path.format(**PARAMS)
    before = opened.house.desk.catalog.revision()
    body = {"name": "x"} if endpoint.body else None
    assert opened.send(endpoint.method, path, body, role="adv2").status == 404
    assert Browser(opened.port).call(endpoint.method, path).status == 401
    assert opened.house.desk.catalog.revision() == before


@pytest.mark.parametrize("path", ["campaigns/cmp2", "line-items/li9", "line-items/li9/delivery"])
def test_a_foreign_thing_under_an_own_path_is_not_there(opened: Open, path: str) -> None:
    reply = opened.send("GET", f"{ROOT}/{path}")
    assert reply.status == 404
    assert b"Foreign" not in reply.body


@pytest.mark.parametrize("deed", ["pause", "resume", "archive", "restore", "duplicate"])
def test_nothing_is_done_to_a_foreign_line_item(opened: Open, deed: str) -> None:
    assert opened.send("POST", f"{ROOT}/line-items/li9/{deed}").status == 404
    foreign = {**ITEM, "campaign_id": "cmp2"}
    refused = opened.send("POST", f"{ROOT}/line-items", foreign)
    assert (refused.status, refused.json["field"]) == (422, "/campaign_id")


def test_a_campaign_is_made_renamed_paused_and_archived(opened: Open) -> None:
    made = opened.send("POST", f"{ROOT}/campaigns", {"name": "Spring"})
    assert made.status == 201
    path = f"{ROOT}/campaigns/{made.json['campaign_id']}"
    assert opened.send("PATCH", path, {"name": "Summer"}).json["name"] == "Summer"
    assert opened.send("POST", f"{path}/pause").json["paused"] is True
    assert opened.send("POST", f"{path}/archive").json["active"] is False
    kept = opened.house.desk.catalog.get(Campaign, made.json["campaign_id"])
    assert (kept.name, kept.paused, kept.active) == ("Summer", True, False)


def test_a_line_item_is_made_changed_and_copied(opened: Open) -> None:
    body = {**ITEM, "targeting": {"country": {"include": ["CHN"]}, "age": {"exclude": ["..17"]}},
            "caps": [{"impressions": 3, "period": "day"}], "daily_budget_micros": 9}  # fmt: skip
    made = opened.send("POST", f"{ROOT}/line-items", body)
    assert made.status == 201, made.body
    assert made.json["state"] == "no_creative"
    assert made.json["targeting"] == {
        "country": {"include": ["CHN"], "exclude": []},
        "age": {"include": [], "exclude": ["..17"]},
    }
    path = f"{ROOT}/line-items/{made.json['line_item_id']}"
    changed = opened.send("PATCH", path, {"daily_budget_micros": None, "bid_micros": 7_000_000})
    assert changed.json["daily_budget_micros"] is None
    assert changed.json["bid_micros"] == 7_000_000
    assert changed.json["caps"] == [{"impressions": 3, "period": "day", "level": "line_item"}]
    copy = opened.send("POST", f"{path}/duplicate")
    assert copy.status == 201
    assert (copy.json["paused"], copy.json["name"]) == (True, "Copy of By program")


def test_a_copy_brings_its_creatives(opened: Open) -> None:
    copy = opened.send("POST", f"{ROOT}/line-items/li1/duplicate").json
    assert copy["state"] == "paused"
    resumed = opened.send("POST", f"{ROOT}/line-items/{copy['line_item_id']}/resume").json
    assert resumed["state"] == "running"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bid_micros": 0}, "/bid_micros"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "/ends_at"),
        ({"daily_budget_micros": 5, "total_budget_micros": 4}, "/daily_budget_micros"),
        ({"pricing": "cps", "bid_micros": 0, "product": "shop/1"}, "/pricing"),
        ({"targeting": {"planet": {"include": ["mars"]}}}, "/targeting/planet"),
        ({"targeting": {"country": {"include": ["CHN", "C"]}}}, "/targeting/country/include/1"),
        ({"targeting": {"placement": {"include": ["pl_none"]}}}, "/targeting"),
        ({"name": "   "}, "/name"),
        ({"starts_at": "1950-01-01T00:00:00Z"}, "/starts_at"),
        ({"caps": [{"impressions": 1, "period": "day"}] * 2}, "/caps"),
    ],
)
def test_a_rule_is_named_with_its_field(opened: Open, change: Any, field: str) -> None:
    reply = opened.send("POST", f"{ROOT}/line-items", {**ITEM, **change})
    assert (reply.status, reply.json["field"]) == (422, field), reply.body


@pytest.mark.parametrize(
    "change",
    [
        {"bid_micros": 1.5},
        {"bid_micros": "5"},
        {"bid_micros": -1},
        {"bid_micros": 10**30},
        {"starts_at": "2026-11-20T08:00:00"},
        {"pricing": "gold"},
        {"caps": [{"impressions": 0, "period": "day"}]},
        {"targeting": {"os": ["android"]}},
    ],
)
def test_a_body_of_another_shape_is_a_bad_request(opened: Open, change: Any) -> None:
    assert opened.send("POST", f"{ROOT}/line-items", {**ITEM, **change}).status == 400


def test_an_operator_books_a_product(opened: Open) -> None:
    body = {**ITEM, "pricing": "cps", "bid_micros": 0, "product": "shop/4711"}
    reply = opened.send("POST", f"{ROOT}/line-items", body, role="op")
    assert (reply.status, reply.json["pricing"]) == (201, "cps")


def test_lists_page_by_cursor_and_come_as_csv(opened: Open) -> None:
    seen, cursor = [], ""
    while True:
        page = opened.send("GET", f"{ROOT}/line-items?limit=1&cursor={cursor}").json
        seen += [one["line_item_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == sorted(seen)
    assert {"li1", "li2"} <= {*seen}
    assert "li9" not in seen
    csv = opened.programs["adv1"].call("GET", f"{ROOT}/line-items", Accept="text/csv")
    assert csv.body.decode().splitlines()[0].startswith("line_item_id,campaign_id,name,state")


def test_delivery_is_told_with_its_interval(opened: Open) -> None:
    opened.house.now = datetime.now(UTC)  # as the doors' clock
    show_ads(opened.house, 20, clicks=2)
    found = opened.send("GET", f"{ROOT}/delivery?days=7")
    assert found.status == 200
    assert opened.send("GET", f"{ROOT}/delivery?days=all").status == 400
    row = {one["key"]: one for one in found.json["items"]}["li1"]
    assert (row["impressions"], row["clicks"]) == (20, 2)
    assert row["charged_micros"] == 20 * COST
    assert row["ctr_low_ppm"] < row["ctr_ppm"] == 100_000 < row["ctr_high_ppm"]
    for by in ("day", "hour", "placement", "region", "creative"):
        assert opened.send("GET", f"{ROOT}/line-items/li1/delivery?by={by}").status == 200


def test_the_balance_its_moves_and_top_ups(opened: Open) -> None:
    balance = opened.send("GET", f"{ROOT}/balance").json
    assert (balance["left_micros"], balance["currency"]) == (10_000_000, "CNY")
    first = opened.send("GET", f"{ROOT}/balance/moves?limit=1").json
    assert first["items"][0]["amount_micros"] == 1_000_000
    assert first["items"][0]["refs"]["payment"] == "B2"
    path = f"{ROOT}/balance/moves?limit=1&cursor={first['next_cursor']}"
    second = opened.send("GET", path).json
    assert second["items"][0]["balance_micros"] == 9_000_000
    assert second["next_cursor"] == ""
    asked = opened.send("POST", f"{ROOT}/top-ups", {"amount_micros": 5, "note": "soon"})
    assert (asked.status, asked.json["status"]) == (201, "asked")
    gone = f"{ROOT}/top-ups/{asked.json['top_up_id']}/withdraw"
    assert opened.send("POST", gone).json["status"] == "withdrawn"
    assert opened.send("POST", gone).status == 409
    assert opened.send("POST", f"{ROOT}/top-ups/tu_none/withdraw").status == 404
    assert opened.send("POST", f"{ROOT}/top-ups", {"amount_micros": 0}).status == 400


@pytest.mark.parametrize("cursor", ["eA", "MA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_cursor_that_is_not_ours_is_a_bad_request(opened: Open, cursor: str) -> None:
    for path in ("balance/moves", "top-ups"):
        assert opened.send("GET", f"{ROOT}/{path}?cursor={cursor}").status == 400


def test_keys_are_masked_until_they_are_made_anew(opened: Open) -> None:
    before = opened.send("GET", f"{ROOT}/postbacks").json
    assert "••••" in before["key_masked"]
    made = opened.send("POST", f"{ROOT}/postbacks/rotate").json
    assert made["key_generation"] == before["key_generation"] + 1
    assert made["key"].startswith(f"adv1.{made['key_generation']}.")
    after = opened.send("GET", f"{ROOT}/postbacks").json
    assert made["key"] not in json.dumps(after)


def test_the_advertiser_changes_what_is_its_own_to_say(opened: Open) -> None:
    changed = opened.send("PATCH", ROOT, {"domain": "tea.example", "prepaid": True})
    assert (changed.json["domain"], changed.json["prepaid"]) == ("tea.example", False)
    refused = opened.send("PATCH", ROOT, {"time_zone": "Mars/Base"})
    assert (refused.status, refused.json["field"]) == (422, "/time_zone")


def test_a_paused_line_item_is_kept_as_paused(opened: Open) -> None:
    assert opened.send("POST", f"{ROOT}/line-items/li2/pause").json["state"] == "paused"
    assert opened.house.desk.catalog.get(LineItem, "li2").paused


def test_nothing_of_an_archived_advertiser_is_called_running(opened: Open) -> None:
    assert opened.send("POST", "/api/v1/house/advertisers/adv1/archive", role="op").status == 200
    try:
        reply = opened.send("GET", f"{ROOT}/line-items")
    finally:
        opened.send("POST", "/api/v1/house/advertisers/adv1/restore", role="op")
    states = {one["state"] for one in json.loads(reply.body)["items"]}
    assert states == {"advertiser_archived"}


def test_what_was_decided_is_not_taken_back_and_who_decided_is_the_houses_business(
    opened: Open,
) -> None:
    asked = opened.send("POST", f"{ROOT}/top-ups", {"amount_micros": 5}).json["top_up_id"]
    said = {"reference": "B77"}
    assert opened.send("POST", f"/api/v1/house/top-ups/{asked}/confirm", said, "op").status == 200
    late = opened.send("POST", f"{ROOT}/top-ups/{asked}/withdraw")
    assert (late.status, late.json["detail"]) == (409, "it is confirmed already")
