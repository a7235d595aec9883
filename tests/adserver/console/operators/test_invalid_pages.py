"""Findings of invalid traffic: what one would take, what it took, and whose money it was."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from multidict import MultiDict

from adserver.accounting.advertising import accrue_day
from adserver.api.problems import NotFoundError
from adserver.api.traffic import address_key
from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.console.operators import invalid_pages, live_page
from adserver.console.operators.invalid import NewFinding
from adserver.console.web.exchange import See
from adserver.eventlog.ddl import prepare
from adserver.eventlog.store_chdb import ChdbStore
from adserver.marketplace.problem import CatalogError
from adserver.stores import database, findings
from affiliate.ad_revenue import Finding
from affiliate.partner import Terms
from models.domain.ids import AppId
from tests.adserver.accounting.ad_house import D1, Ads, at
from tests.adserver.console.operators.at_the_desk import call, page, with_data
from tests.adserver.console.web.running import desk_over
from tests.adserver.eventlog.billed import PRICE, billed, id_of, put

LATER = at(D1, 20)


@dataclass
class Bureau:
    desk: Desk
    ads: Ads


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Bureau]:
    """Ten impressions of app1 on a day, half of what they bring is p1's; accrued."""
    store = ChdbStore(tmp_path / "events", "a test")
    prepare(store)
    with desk_over(Settings(data_dir=tmp_path), store) as desk:
        ads = Ads(desk.engine)
        ads.partner("p1", Terms(ad_share_ppm=500_000))
        noon = int(at(D1).timestamp() * 1000)
        rows = [billed(number, at_ms=noon + number, partner_id="p1") for number in range(10)]
        put(store, "impressions", rows)
        accrue_day(ads.desk, store, D1, LATER)
        yield Bureau(desk, ads)
    store.close()


FORM = {"first_day": D1.isoformat(), "app_id": "app1", "reason": "a click farm"}


def test_a_finding_is_previewed_kept_and_shown_before_and_after(bureau: Bureau) -> None:
    asked = call(LATER, FORM)
    shown = page(invalid_pages.preview(bureau.desk, asked), asked)
    assert "What it would take" in shown
    assert "10 instead of 0" in shown
    assert "Nothing was found to be invalid" in shown
    found = invalid_pages.post_preview(bureau.desk, with_data(asked, NewFinding(**FORM)))
    assert (found.invalid_before_micros, found.invalid_after_micros) == (0, 10 * PRICE)
    assert isinstance(invalid_pages.keep(bureau.desk, asked), See)
    (kept,) = invalid_pages.listed(bureau.desk, call(LATER)).items
    assert (kept.charged_micros, kept.charged_after_micros) == (10 * PRICE, 0)
    assert (kept.earned_micros, kept.earned_after_micros) == (5 * PRICE, 0)
    listed = call(LATER)
    assert "a click farm" in page(invalid_pages.page(bureau.desk, listed), listed)


SENDER = "203.0.113.9"


@pytest.fixture
def farmed(bureau: Bureau) -> Bureau:
    """Three impressions more of the same day and app, from one address; accrued."""
    noon, sender = (
        int(at(D1).timestamp() * 1000),
        address_key(SENDER, bureau.desk.keyring.secret_key),
    )
    rows = [
        billed(number, at_ms=noon + number, partner_id="p1", address_key=sender)
        for number in range(10, 13)
    ]
    put(bureau.desk.store, "impressions", rows)
    accrue_day(bureau.ads.desk, bureau.desk.store, D1, LATER)
    return bureau


def test_a_finding_by_address_owns_its_own_events_and_not_the_day(farmed: Bureau) -> None:
    given = NewFinding(D1.isoformat(), "one phone", address=SENDER)
    made = invalid_pages.post(farmed.desk, with_data(call(LATER, {}), given))
    (kept,) = invalid_pages.listed(farmed.desk, call(LATER)).items
    assert (kept.taken_micros, kept.taken_back_micros) == (None, None)
    assert (kept.charged_micros, kept.charged_after_micros) == (13 * PRICE, 10 * PRICE)
    counted = invalid_pages.get_count(farmed.desk, call(LATER, finding=made.finding_id))
    assert (counted.taken_micros, counted.invalid_impressions) == (3 * PRICE, 3)
    assert (counted.charged_micros, counted.taken_by_all_micros) == (13 * PRICE, 3 * PRICE)
    listed = call(LATER)
    assert "Count it" in page(invalid_pages.page(farmed.desk, listed), listed)
    asked = replace(listed, query=MultiDict({"count": made.finding_id}))
    shown = page(invalid_pages.page(farmed.desk, asked), asked)
    assert "What the finding itself takes" in shown
    assert "0.06" in shown


def test_two_findings_of_one_event_each_own_it_and_give_it_back_once(farmed: Bureau) -> None:
    by_address = NewFinding(D1.isoformat(), "one phone", address=SENDER)
    whole_app = NewFinding(**FORM)
    first = invalid_pages.post(farmed.desk, with_data(call(LATER, {}), by_address))
    second = invalid_pages.post(farmed.desk, with_data(call(LATER, {}), whole_app))
    counts = [
        invalid_pages.get_count(farmed.desk, call(LATER, finding=one.finding_id))
        for one in (first, second)
    ]
    assert [one.taken_micros for one in counts] == [3 * PRICE, 13 * PRICE]
    assert [one.taken_by_all_micros for one in counts] == [13 * PRICE] * 2
    found = {one.finding_id: one for one in invalid_pages.listed(farmed.desk, call(LATER)).items}
    assert found[second.finding_id].taken_micros == 13 * PRICE
    assert found[second.finding_id].taken_back_micros == found[second.finding_id].earned_micros


def test_a_finding_of_events_by_id_owns_those(farmed: Bureau) -> None:
    finding = Finding("inv_named", "seen twice", D1, D1)
    with database.writing(farmed.desk.engine) as connection:
        findings.add_events(connection, finding, {id_of(0): D1, id_of(1): D1}, LATER)
    accrue_day(farmed.ads.desk, farmed.desk.store, D1, LATER)
    counted = invalid_pages.get_count(farmed.desk, call(LATER, finding="inv_named"))
    assert (counted.taken_micros, counted.charged_micros) == (2 * PRICE, 13 * PRICE)
    (kept,) = invalid_pages.listed(farmed.desk, call(LATER)).items
    assert kept.taken_micros is None


def test_partners_money_of_a_line_items_finding_is_not_called_its_own(farmed: Bureau) -> None:
    given = NewFinding(D1.isoformat(), "a bad campaign", line_item_id="li1")
    invalid_pages.post(farmed.desk, with_data(call(LATER, {}), given))
    (kept,) = invalid_pages.listed(farmed.desk, call(LATER)).items
    assert (kept.taken_micros, kept.taken_back_micros) == (13 * PRICE, None)


def test_what_is_too_long_or_not_there_is_not_counted(farmed: Bureau) -> None:
    with pytest.raises(NotFoundError):
        invalid_pages.get_count(farmed.desk, call(LATER, finding="inv_none"))
    long = Finding("inv_long", "a year", D1 - timedelta(days=400), D1, address_key=5)
    with database.writing(farmed.desk.engine) as connection:
        findings.add_rule(connection, long, LATER)
    asked = replace(call(LATER), query=MultiDict({"count": "inv_long"}))
    assert "31 days" in page(invalid_pages.page(farmed.desk, asked), asked, 422)


def test_a_finding_kept_of_a_day_that_never_was_is_shown_and_counts_nothing(
    farmed: Bureau,
) -> None:
    never = date(1, 1, 1)
    finding = Finding("inv_never", "a slip", never, never + timedelta(days=4), AppId("app1"))
    with database.writing(farmed.desk.engine) as connection:
        findings.add_rule(connection, finding, LATER)
    counted = invalid_pages.get_count(farmed.desk, call(LATER, finding="inv_never"))
    assert (counted.taken_micros, counted.charged_micros) == (0, 0)
    asked = replace(call(LATER), query=MultiDict({"count": "inv_never"}))
    assert "a slip" in page(invalid_pages.page(farmed.desk, asked), asked)


def test_a_finding_of_another_app_takes_nothing(bureau: Bureau) -> None:
    given = NewFinding(**FORM | {"app_id": "app2"})
    invalid_pages.post(bureau.desk, with_data(call(LATER, {}), given))
    (kept,) = invalid_pages.listed(bureau.desk, call(LATER)).items
    assert (kept.charged_micros, kept.earned_micros) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_day": "yesterday"}, "first_day"),
        ({"last_day": "2026-01-01"}, "last_day"),
        ({"first_day": "0001-01-01"}, "first_day"),
        ({"first_day": "1999-12-31", "last_day": "2000-01-01"}, "first_day"),
        ({"first_day": "9999-12-31"}, "first_day"),
        ({"last_day": (D1 + timedelta(days=1)).isoformat()}, "last_day"),
        ({"first_day": "2026-09-01", "last_day": D1.isoformat()}, "last_day"),
        ({"reason": ""}, "reason"),
        ({"app_id": ""}, ""),
        ({"address": "nowhere"}, "address"),
    ],
)
def test_a_finding_that_says_too_little_or_nonsense_is_refused(
    bureau: Bureau, changes: dict[str, str], field: str
) -> None:
    given = NewFinding(**FORM | changes)
    with pytest.raises(CatalogError) as refused:
        invalid_pages.post(bureau.desk, with_data(call(LATER, {}), given))
    assert refused.value.problems[0].field == field
    asked = call(LATER, FORM | changes)
    page(invalid_pages.keep(bureau.desk, asked), asked, 422)


def test_the_live_page_is_there_with_and_without_the_log(bureau: Bureau) -> None:
    asked = call(LATER)
    shown = page(live_page.page(bureau.desk, asked), asked)
    assert "No worker has been seen" in shown
    assert live_page.get(bureau.desk, asked).requests_per_s == 0
    desk = bureau.desk
    blind = Desk(desk.settings, desk.engine, desk.catalog, desk.store, desk.keyring, lambda: False)
    assert "event log is not ready" in page(live_page.page(blind, asked), asked)
