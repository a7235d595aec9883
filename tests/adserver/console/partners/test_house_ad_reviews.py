"""Apps' own ads before the house: every one is reached while they are judged, and told why."""

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from adserver.api.problems import BadRequestError, UnprocessableError
from adserver.console.partners import house_ad_endpoints as endpoints, house_ad_reviews as reviews
from adserver.console.partners.house_ad_endpoints import HouseAdVerdict
from adserver.console.web.exchange import Call, Download, Html
from adserver.stores import database, house_ads as stored
from adserver.stores.house_ads import HouseAd
from models.domain.campaign import Review
from models.domain.placement import App, Format
from tests.adserver.console.operators.at_the_desk import further
from tests.adserver.console.partners.office import NOW, Office
from tests.adserver.console.partners.test_apps import with_app
from tests.adserver.console.partners.test_house_ads import OPERATOR

MANY = reviews.PAGE_ADS * 2 + 1
EVERY = [f"ha_{number:03}" for number in range(MANY)]


def ad(app: App, house_ad_id: str, changed_at: datetime) -> HouseAd:
    return HouseAd(
        house_ad_id=house_ad_id, app_id=app.app_id, format=Format.BANNER, w=640, h=100,
        title=f"The ad {house_ad_id}", description="", cta="", landing_url="https://a.example/",
        asset_url="https://a.example/x.png", asset_mime="image/png", asset_bytes=1,
        asset_sha256="0" * 64, review=Review.PENDING, review_reason="", active=True,
        changed_at=changed_at,
    )  # fmt: skip


@pytest.fixture
def busy(small: Office) -> Office:
    """Two pages of ads that wait and one more; they come in pairs at one moment."""
    app = with_app(small)
    with database.writing(small.desk.engine) as connection:
        for number, house_ad_id in enumerate(EVERY):
            at = NOW - timedelta(days=1) + timedelta(seconds=number // 2)
            stored.add(connection, ad(app, house_ad_id, at))
    return small


def asked(office: Office, after: str = "", **params: str) -> Call:
    query = {"after": after} if after else {}
    return replace(office.call(query, **params), who=OPERATOR)


def program(office: Office, data: object = None, **params: str) -> Call:
    return replace(office.api(**params), who=OPERATOR, data=data)


def test_programs_that_judge_page_by_page_reach_every_ad(busy: Office) -> None:
    seen, cursor = [], ""
    while True:
        call = replace(program(busy), cursor=cursor, limit=3)
        found = endpoints.waiting(busy.desk, call)
        for one in found.items:
            seen.append(one.house_ad_id)
            verdict = HouseAdVerdict("approved")
            endpoints.judge(busy.desk, program(busy, verdict, house_ad_id=one.house_ad_id))
        cursor = found.next_cursor
        if not cursor:
            break
    assert seen == EVERY


def test_the_page_goes_on_over_its_end_and_comes_as_a_spreadsheet(busy: Office) -> None:
    seen: list[str] = []
    after, pages = "", 0
    while True:
        call = asked(busy, after)
        text = busy.page(reviews.page(busy.desk, call), call)
        seen += [name for name in EVERY if f"The ad {name}" in text]
        pages += 1
        address = further(text)
        if not address:
            break
        (after,) = parse_qs(urlsplit(address).query)["after"]
    assert (seen, pages) == (EVERY, 3)
    sheet = reviews.as_csv(busy.desk, asked(busy))
    assert isinstance(sheet, Download)
    assert len(sheet.body.splitlines()) == 1 + MANY


@pytest.mark.parametrize("after", ["x", "2026-10-20", "2026-10-20T00:00:00 ha_1", "3"])
def test_a_cursor_that_is_not_ours_is_refused(busy: Office, after: str) -> None:
    with pytest.raises(BadRequestError):
        reviews.page(busy.desk, asked(busy, after))
    with pytest.raises(BadRequestError):
        endpoints.waiting(busy.desk, replace(program(busy), cursor=after))


def test_nobody_is_rejected_without_a_reason(busy: Office) -> None:
    call = replace(busy.call(form={"verdict": "reject"}, house_ad_id=EVERY[0]), who=OPERATOR)
    shown = reviews.judge(busy.desk, call)
    assert isinstance(shown, Html)
    assert shown.status == 422
    text = busy.page(shown, call)
    assert text.count("Say why it is rejected") == 1
    silent = program(busy, HouseAdVerdict("rejected", "  "), house_ad_id=EVERY[0])
    with pytest.raises(UnprocessableError) as refused:
        endpoints.judge(busy.desk, silent)
    assert refused.value.field == "/reason"
    with database.reading(busy.desk.engine) as connection:
        assert stored.count_waiting(connection) == MANY
        assert [one.house_ad_id for one in stored.waiting(connection)] == EVERY


def test_an_ad_that_was_taken_back_does_not_wait(busy: Office) -> None:
    with database.writing(busy.desk.engine) as connection:
        first = stored.find(connection, EVERY[0])
        assert first is not None
        stored.put(connection, replace(first, active=False))
        assert stored.count_waiting(connection) == MANY - 1
    call = asked(busy)
    assert f"The ad {EVERY[0]}" not in busy.page(reviews.page(busy.desk, call), call)
