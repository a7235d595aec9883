"""Findings of invalid traffic: what one would take, what it took, and whose money it was."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adserver.accounting.advertising import accrue_day
from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.console.operators import invalid_pages, live_page
from adserver.console.operators.invalid import NewFinding
from adserver.console.web.exchange import See
from adserver.eventlog.ddl import prepare
from adserver.eventlog.store_chdb import ChdbStore
from adserver.marketplace.problem import CatalogError
from affiliate.partner import Terms
from tests.adserver.accounting.ad_house import D1, Ads, at
from tests.adserver.console.operators.at_the_desk import call, page, with_data
from tests.adserver.console.web.running import desk_over
from tests.adserver.eventlog.billed import PRICE, billed, put

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
        ({"last_day": "2026-12-31"}, "last_day"),
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
