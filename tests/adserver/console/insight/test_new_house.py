"""A house in which nothing has happened yet: every page says what comes next."""

from collections.abc import Iterator

import pytest

from adserver.console.insight import audience_pages, industry_pages, why
from adserver.console.insight.insight_loop import AudienceCounts, SortedRequests
from adserver.console.insight.panel import forecast_panel
from adserver.console.web.rendering import render
from tests.adserver.console.insight.house import OP, PIA, House, settled
from tests.adserver.reports.week import ours
from tests.builders import NOW


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with settled(tmp_path_factory.mktemp("new")) as opened:
        yield opened


def test_a_forecast_of_an_empty_log_says_so(house: House) -> None:
    panel = forecast_panel(house.desk, house.call(), ours())
    assert "no ad request of the last week" in panel.notes[0]
    shown = render("insight/forecast_panel.html", {"forecast": panel}, house.call())
    assert "no ad request of the last week" in shown
    assert "<svg" not in shown


def test_a_line_item_that_nobody_asked_for_can_run(house: House) -> None:
    call = house.call()
    shown = house.page(why.page(house.desk, call), call)
    assert "Nothing keeps it from running." in shown
    assert "No ad request of that time was sampled." in shown


def test_an_audience_that_was_never_counted_says_when_it_will_be(house: House) -> None:
    call = house.call(PIA)
    assert "Nothing was counted yet" in house.page(audience_pages.page(house.desk, call), call)
    told = audience_pages.tell(house.desk, house.call(PIA, params={"app_id": "app1"}))
    assert (told.as_of, told.users) == (None, 0)


def test_a_partner_without_an_app_is_asked_to_add_one(house: House) -> None:
    call = house.call(OP, params={"partner_id": "p9"})
    shown = house.page(audience_pages.page(house.desk, call), call)
    assert "No app yet" in shown
    assert "/partners/p9/apps" in shown


def test_an_industry_without_requests_says_what_it_takes(house: House) -> None:
    call = house.call(PIA)
    assert "Nothing to compare yet" in house.page(
        industry_pages.partner_page(house.desk, call), call
    )
    call = house.call(OP)
    assert "No app has asked for ads yet" in house.page(
        industry_pages.house_page(house.desk, call), call
    )


def test_counting_nothing_is_no_error(house: House) -> None:
    assert SortedRequests(house.desk.store).look(NOW) == 0
    counts = AudienceCounts(house.desk.engine, house.desk.store)
    assert counts.look(NOW)
    assert not counts.look(NOW), "it rests"
    call = house.call(PIA)
    shown = house.page(audience_pages.page(house.desk, call), call)
    assert "Too few users yet" in shown
