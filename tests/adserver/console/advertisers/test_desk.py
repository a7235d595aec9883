"""How things stand, what needs attention, and what the pages say of money."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adserver.console.advertisers import (
    attention,
    campaign_pages,
    home_page,
    line_item_pages,
    line_item_view,
    money,
    money_pages,
    postback_pages,
    reporting,
)
from adserver.console.advertisers.status import State, campaign_badge, state_of
from adserver.console.buyer_desk import own
from adserver.console.web.exchange import Html, See
from adserver.ports import StoreAwayError
from adserver.reports.delivery import Figures, Scope
from adserver.stores import audit, database
from adserver.stores.advertiser_money import Purse
from adserver.stores.audit import Sought
from models.domain.campaign import Advertiser, Campaign, Creative, LineItem, Review
from models.domain.ids import AdvertiserId, CreativeId
from models.domain.money import Micros
from tests import builders
from tests.adserver.console.advertisers.house import (
    COST,
    NOW,
    OP,
    SHANGHAI,
    House,
    settled,
    show_ads,
    with_log,
)

PENDING = builders.creative(review=Review.PENDING)
REJECTED = builders.creative(review=Review.REJECTED)
APPROVED = builders.creative()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with settled(tmp_path) as made:
        yield made


@pytest.fixture
def log(tmp_path: Path) -> Iterator[House]:
    with with_log(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("item", "campaign", "creatives", "expected"),
    [
        ({}, {}, [APPROVED], State.RUNNING),
        ({"active": False, "paused": True}, {}, [APPROVED], State.ARCHIVED),
        ({}, {"active": False}, [APPROVED], State.CAMPAIGN_ARCHIVED),
        ({"ends_at": NOW}, {}, [APPROVED], State.ENDED),
        ({"paused": True}, {}, [], State.PAUSED),
        ({}, {"paused": True}, [APPROVED], State.CAMPAIGN_PAUSED),
        ({}, {}, [], State.NO_CREATIVE),
        ({}, {}, [replace(APPROVED, active=False)], State.NO_CREATIVE),
        ({}, {}, [PENDING, REJECTED], State.IN_REVIEW),
        ({}, {}, [REJECTED], State.REJECTED),
        ({}, {}, [REJECTED, APPROVED], State.RUNNING),
        ({"starts_at": NOW + timedelta(hours=1)}, {}, [APPROVED], State.SCHEDULED),
    ],
)
def test_the_state_is_the_first_thing_that_would_have_to_change(
    item: dict[str, object],
    campaign: dict[str, object],
    creatives: list[Creative],
    expected: State,
) -> None:
    line, around = builders.line_item(**item), builders.campaign(**campaign)
    assert state_of(line, around, builders.advertiser(), creatives, NOW) is expected


def test_an_archived_advertiser_is_said_before_everything_of_its_own() -> None:
    gone = builders.advertiser(active=False)
    line, around = builders.line_item(active=False), builders.campaign(active=False)
    assert state_of(line, around, gone, [APPROVED], NOW) is State.ADVERTISER_ARCHIVED
    assert campaign_badge(around, [State.ADVERTISER_ARCHIVED]).words == "Advertiser archived"


def test_without_money_what_would_run_has_no_money() -> None:
    about = (builders.line_item(), builders.campaign(), builders.advertiser(), [APPROVED], NOW)
    assert state_of(*about, has_money=False) is State.NO_MONEY


def test_a_campaign_is_as_busy_as_its_busiest_line_item() -> None:
    one = builders.campaign()
    assert campaign_badge(one, [State.PAUSED, State.RUNNING]).words == "Running"
    assert campaign_badge(one, [State.PAUSED]).words == "Not running"
    assert campaign_badge(one, [State.ARCHIVED]).words == "Empty"
    assert campaign_badge(replace(one, paused=True), [State.RUNNING]).words == "Paused"


def test_a_prepaid_advertiser_without_money_reads_so_first(house: House) -> None:
    house.prepaid()
    values = home_page.home(house.desk, house.call()).values
    assert values["matters"][0].kind == "bad"
    assert values["matters"][0].href.endswith("/balance")
    assert values["states"]["li1"] is State.NO_MONEY
    house.pay(5_000_000, "B1")
    values = home_page.home(house.desk, house.call()).values
    assert values["states"]["li1"] is State.RUNNING
    house.charge(5_000_000)
    assert line_item_view.show(house.desk, house.call(params={"line_item_id": "li1"})).values[
        "is_out_of_money"
    ]
    assert money_pages.balance(house.desk, house.call()).values["exhausted"]


def test_little_money_is_brought_up_before_it_is_gone(house: House) -> None:
    house.prepaid()
    house.pay(20_000_000, "B1")
    house.charge(70_000_000 // 10, "2026-11-17")
    house.charge(1, "2026-11-18")
    held = own(house.desk, house.call())
    purse = money.purse_of(house.desk, AdvertiserId("adv1"))
    runway = money.runway_of(house.desk, AdvertiserId("adv1"), purse, NOW)
    assert (runway.a_day, runway.days) == (1_000_000, 12)
    assert attention.of_money(held, purse, runway) == []
    poor = Purse(Micros(2_000_000))
    runway = money.runway_of(house.desk, AdvertiserId("adv1"), poor, NOW)
    assert attention.of_money(held, poor, runway)[0].kind == "warn"


def test_the_pace_is_of_whole_days_of_the_house_also_between_its_midnight_and_utcs(
    house: House,
) -> None:
    house.charge(7_000_000, "2026-11-17")
    house.charge(5_000_000, "2026-11-18")
    purse, owner = Purse(Micros(4_000_000)), AdvertiserId("adv1")
    before = datetime(2026, 11, 18, 15, 59, tzinfo=UTC)  # in Shanghai one minute to midnight
    assert money.runway_of(house.desk, owner, purse, before).a_day == 1_000_000
    after = before + timedelta(minutes=1)
    assert money.runway_of(house.desk, owner, purse, after).a_day == 12_000_000 // 7


def test_what_needs_somebody_is_said_and_what_is_paused_is_not(house: House) -> None:
    matters = home_page.home(house.desk, house.call()).values["matters"]
    assert [dict(matter.values) for matter in matters] == [{"name": "Line item Two"}]
    house.desk.catalog.edit(LineItem, "li2", lambda one: replace(one, paused=True), NOW)
    assert home_page.home(house.desk, house.call()).values["matters"] == []


def test_a_spent_budget_an_end_and_a_rejection_are_brought_up(house: House) -> None:
    catalog = house.desk.catalog
    soon = NOW + timedelta(days=1)
    catalog.edit(LineItem, "li1", lambda one: replace(one, ends_at=soon), NOW)
    bad = builders.creative(creative_id=CreativeId("cr2"), review=Review.REJECTED)
    catalog.add(bad, NOW)
    held = own(house.desk, house.call())
    states = {"li1": State.RUNNING, "li2": State.PAUSED}
    today = {"li1": Figures(charged_micros=Micros(239_000_000))}
    texts = [one.text for one in attention.of_line_items(held, states, today, NOW)]
    assert len(texts) == 3
    assert any("spent its budget" in text for text in texts)
    assert any("ends within" in text for text in texts)
    assert any("was rejected" in text for text in texts)


def test_while_the_event_log_is_away_pages_stay_up_and_say_so(house: House) -> None:
    line = house.call(params={"line_item_id": "li1", "campaign_id": "cmp1"})
    assert home_page.home(house.desk, house.call()).values["today"] is None
    assert campaign_pages.campaigns(house.desk, house.call()).values["away"]
    assert campaign_pages.campaign(house.desk, line).values["away"]
    assert line_item_view.show(house.desk, line).values["away"]


def test_figures_of_a_line_item_add_up(log: House) -> None:
    show_ads(log, 30, clicks=3)
    show_ads(log, 10, at=NOW - timedelta(days=1))
    call = log.call(params={"line_item_id": "li1"}, query={"by": "placement"})
    values = line_item_view.show(log.desk, call).values
    assert (values["total"].impressions, values["today"].impressions) == (40, 30)
    assert values["total"].charged_micros == 40 * COST
    assert values["rate"].seen == 75_000
    assert [(name, line.figures.clicks) for line, name in values["lines"]] == [("Splash", 3)]
    for by in ("day", "hour", "placement", "region", "creative"):
        asked = log.call(params={"line_item_id": "li1"}, query={"by": by})
        text = line_item_view.breakdown_csv(log.desk, asked).body.decode()
        rows = [row.split(",") for row in text.splitlines()]
        assert rows[0][:2] == [by, "name"]
        column = rows[0].index("impressions")
        assert sum(int(row[column]) for row in rows[1:]) == 40


def test_what_was_spent_is_told_whole_however_long_ago_it_was(log: House) -> None:
    for days in (0, 380, 390, 2_000):
        show_ads(log, 10, at=NOW - timedelta(days=days, hours=1))
    call = log.call(params={"line_item_id": "li1"})
    for begin, end in ((2_100, None), (385, None), (600, 385), (30, 20)):
        ends_at = NOW - timedelta(days=end) if end else None
        moved = builders.line_item(starts_at=NOW - timedelta(days=begin), ends_at=ends_at)
        log.desk.catalog.replace(builders.marketplace(line_items=(moved,)), NOW)
        total = line_item_view.show(log.desk, call).values["total"]
        assert (total.impressions, total.charged_micros) == (40, 40 * COST), (begin, end)


def test_the_curve_of_a_long_flight_begins_with_what_was_spent_before(log: House) -> None:
    show_ads(log, 10, at=NOW - timedelta(days=500))
    show_ads(log, 5)
    item = builders.line_item(starts_at=NOW - timedelta(days=600))
    scope = Scope(line_item_id=item.line_item_id)
    life = reporting.life_of(log.desk, scope, item, NOW, SHANGHAI)
    assert life is not None
    assert life.earlier.charged_micros == 10 * COST
    assert sum(on.figures.charged_micros for on in life.days) == 5 * COST
    assert len(life.days) == 401


@pytest.mark.parametrize(
    ("zone", "begins"),
    [("Asia/Shanghai", ""), ("Asia/Kolkata", "00:30"), ("Asia/Kathmandu", "00:45"),
     ("America/St_Johns", "00:30"), ("Pacific/Marquesas", "00:30")],
)  # fmt: skip
def test_where_days_of_figures_do_not_begin_at_midnight_the_pages_say_so(
    house: House, zone: str, begins: str
) -> None:
    house.desk.catalog.edit(
        Advertiser, AdvertiserId("adv1"), lambda one: replace(one, time_zone=zone), NOW
    )
    line = house.call(params={"line_item_id": "li1", "campaign_id": "cmp1"})
    for page in (home_page.home, campaign_pages.campaigns, campaign_pages.campaign,
                 line_item_view.show):  # fmt: skip
        assert page(house.desk, line).values["begins"] == begins


def test_the_account_as_a_table_is_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(money, "MOVES_AT_ONCE", 3)  # so that a few moves are several pieces
    for number in range(1, 10):
        house.pay(number * 1_000_000, f"payment {number}")
        text = b"".join(money_pages.moves_csv(house.desk, house.call()).pieces).decode()
        head, *rows = [line.split(",") for line in text.splitlines()]
        assert [row[head.index("amount")] for row in rows] == [
            f"{paid}.00" for paid in range(number, 0, -1)
        ]
        assert rows[0][head.index("balance")] == f"{number * (number + 1) // 2}.00"


def test_a_foreign_advertisers_figures_are_not_counted(log: House) -> None:
    show_ads(log, 5)
    foreign = log.call(params={"advertiser_id": "adv2"}, who=OP)
    assert home_page.home(log.desk, foreign).values["today"] == Figures()


def test_a_top_up_is_announced_in_decimal_text(house: House) -> None:
    typed = {"amount": "1,234.56", "note": "<script>"}
    assert isinstance(money_pages.ask(house.desk, house.call("POST", form=typed)), See)
    kept = money_pages.balance(house.desk, house.call()).values["top_ups"][0]
    assert (kept.amount_micros, kept.note) == (1_234_560_000, "<script>")


@pytest.mark.parametrize("amount", ["", "0", "-5", "a lot", "1e3", "0.0000001", "9" * 40])
def test_an_amount_that_is_none_is_said_at_its_field(house: House, amount: str) -> None:
    reply = money_pages.ask(house.desk, house.call("POST", form={"amount": amount, "note": "n"}))
    assert isinstance(reply, Html)
    assert (reply.status, [*reply.values["errors"]]) == (422, ["amount"])
    assert reply.values["typed"] == {"amount": amount, "note": "n"}


def test_every_change_names_who_made_it(house: House) -> None:
    call = house.call("POST", "/x/pause", params={"campaign_id": "cmp1", "line_item_id": "li1"})
    campaign_pages.do(house.desk, call)
    line_item_pages.do(house.desk, call)
    with database.reading(house.desk.engine) as connection:
        lines = audit.lines(connection, Sought(actor="ann@one.example"), 10)
    assert {(line.kind, line.entity_id) for line in lines} == {
        ("campaign", "cmp1"),
        ("line_item", "li1"),
    }


def test_only_operators_say_who_pays_in_advance(house: House) -> None:
    form = {"name": "New name", "domain": "", "time_zone": "Asia/Shanghai", "prepaid": "1",
            "categories": "IAB8, IAB9"}  # fmt: skip
    postback_pages.change(house.desk, house.call("POST", form=form))
    kept = house.desk.catalog.get(Advertiser, "adv1")
    assert (kept.name, kept.prepaid, kept.categories) == ("New name", False, frozenset())
    postback_pages.change(house.desk, house.call("POST", form=form, who=OP))
    kept = house.desk.catalog.get(Advertiser, "adv1")
    assert (kept.prepaid, sorted(kept.categories)) == (True, ["IAB8", "IAB9"])


def test_a_wrong_setting_is_said_at_its_field(house: House) -> None:
    form = {"name": "", "domain": "not a domain", "time_zone": "Mars/Base"}
    reply = postback_pages.change(house.desk, house.call("POST", form=form))
    assert isinstance(reply, Html)
    assert {*reply.values["errors"]} == {"name", "domain", "time_zone"}


def test_archiving_a_campaign_hides_it_until_it_is_asked_for(house: House) -> None:
    house.desk.catalog.archive(Campaign, "cmp1", NOW)
    values = campaign_pages.campaigns(house.desk, house.call()).values
    assert (values["rows"], values["hidden"]) == ([], 1)
    shown = campaign_pages.campaigns(house.desk, house.call(query={"archived": "1"})).values
    assert [row[0].campaign_id for row in shown["rows"]] == ["cmp1"]


def test_a_table_for_a_spreadsheet_never_says_nought_for_what_nobody_could_count(
    house: House,
) -> None:
    asked = house.call(params={"line_item_id": "li1"})
    with pytest.raises(StoreAwayError):
        line_item_view.breakdown_csv(house.desk, asked)
    _, row, *_ = campaign_pages.figures_csv(house.desk, house.call()).body.decode().splitlines()
    assert row.endswith(",,,,,,,CNY")
