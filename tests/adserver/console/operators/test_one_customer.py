"""One advertiser: changed, put away, made whole or not at all; and long lists."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from adserver.accounting import top_ups
from adserver.console.operators import customers
from adserver.console.operators.customers import NewAdvertiser
from adserver.console.operators.paging import PAGE_ROWS
from adserver.stores import audit, database, top_ups as stored
from adserver.stores.audit import Sought
from adserver.stores.top_ups import TopUp
from models.domain.campaign import Advertiser
from models.domain.ids import AdvertiserId
from models.domain.money import Micros
from tests import builders
from tests.adserver.console.account.people import ANN, NOW, OPERATOR, House
from tests.adserver.console.operators.at_the_desk import further

PATH = "/house/advertisers/adv1"
FORM = {"name": "Tea & Co", "time_zone": "Europe/Berlin", "domain": "tea.example"}


def actions(house: House, entity_id: str = "adv1") -> list[str]:
    with database.reading(house.desk.engine) as connection:
        lines = audit.lines(connection, Sought(kind="advertiser", entity_id=entity_id), 20)
    return [one.action for one in lines][::-1]


def test_an_advertiser_is_changed_with_what_it_was_in_the_audit_log(house: House) -> None:
    browser = house.browser(OPERATOR)
    form = FORM | {"categories": "IAB3, IAB4", "prepaid": "1"}
    assert browser.submit(PATH, form, on=PATH).status == 303
    page = browser.get(PATH)
    assert "Tea &amp; Co" in page
    assert "IAB3, IAB4" in page
    found = house.call(OPERATOR, "GET", PATH).json
    assert found["name"] == "Tea & Co"
    assert (found["categories"], found["prepaid"]) == (["IAB3", "IAB4"], True)
    with database.reading(house.desk.engine) as connection:
        (line,) = audit.lines(connection, Sought(kind="advertiser", entity_id="adv1"), 20)
    changed = {name: (before, after) for name, before, after in audit.changes(line)}
    assert changed["time_zone"] == ("Asia/Shanghai", "Europe/Berlin")
    assert "edit" in page


def test_a_field_that_will_not_do_is_said_and_what_was_typed_stays(house: House) -> None:
    browser = house.browser(OPERATOR)
    reply = browser.submit(PATH, FORM | {"time_zone": "Mars"}, on=PATH)
    assert reply.status == 422
    assert 'value="Mars"' in reply.body.decode()
    wrong = house.call(OPERATOR, "PATCH", PATH, {"time_zone": "Mars"})
    assert (wrong.status, wrong.json["field"]) == (422, "/time_zone")
    assert actions(house) == []


def test_an_advertiser_is_put_away_and_taken_back(house: House) -> None:
    browser = house.browser(OPERATOR)
    assert browser.submit(f"{PATH}/archive", {}, on=PATH).status == 303
    assert "Archived" in browser.get(PATH)
    assert not house.desk.catalog.get(Advertiser, "adv1").active
    assert browser.submit(f"{PATH}/restore", {}, on=PATH).status == 303
    assert house.desk.catalog.get(Advertiser, "adv1").active
    assert not house.call(OPERATOR, "POST", f"{PATH}/archive").json["active"]
    assert house.call(OPERATOR, "POST", f"{PATH}/restore").json["active"]
    assert actions(house) == ["archive", "restore"] * 2


def test_programs_change_what_they_name_and_nothing_else(house: House) -> None:
    before = house.call(OPERATOR, "GET", PATH).json
    after = house.call(OPERATOR, "PATCH", PATH, {"domain": "new.example"}).json
    assert after == before | {"domain": "new.example"}
    assert house.call(OPERATOR, "PATCH", "/house/advertisers/nobody", {}).status == 404
    assert house.call(ANN, "PATCH", PATH, {"prepaid": False}).status == 404


@contextmanager
def dying_at(house: House, statement: str) -> Iterator[None]:
    """The database breaks off where a statement begins like this."""

    def die(_c: object, _k: object, said: str, *_: object) -> None:
        if said.startswith(statement):
            raise ConnectionError("the machine died here")

    event.listen(house.desk.engine, "before_cursor_execute", die)
    try:
        yield
    finally:
        event.remove(house.desk.engine, "before_cursor_execute", die)


@pytest.mark.parametrize("where", ["INSERT INTO organisations", "INSERT INTO invitations"])
def test_an_advertiser_is_made_whole_or_not_at_all(house: House, where: str) -> None:
    given = NewAdvertiser("Halfway", email="first@halfway.example")
    who, desk = house.who[OPERATOR], house.desk
    before = desk.catalog.revision()
    with dying_at(house, where), pytest.raises(ConnectionError):
        customers.make(desk, who, given, NOW)
    assert [one.name for one in desk.catalog.find(Advertiser)] == ["Advertiser One"] * 2
    assert desk.catalog.revision() == before
    made, link = customers.make(desk, who, given, NOW)
    assert "/invitations/" in link
    assert actions(house, made.advertiser_id) == ["add"]


def test_a_long_list_goes_on_over_the_page(house: House) -> None:
    many = [
        builders.advertiser(advertiser_id=AdvertiserId(f"many{number:03}"), name=f"A{number:03}")
        for number in range(PAGE_ROWS + 5)
    ]
    house.desk.catalog.add_all(many, NOW)
    browser = house.browser(OPERATOR)
    first = browser.get("/house/advertisers")
    assert f"many{PAGE_ROWS:03}" not in first
    second = browser.get(further(first))
    assert f"many{PAGE_ROWS:03}" in second
    assert 'rel="next"' not in second
    sheet = browser.call("GET", "/house/advertisers.csv").body.decode()
    assert len(sheet.splitlines()) == 1 + len(many) + 2


def asked(number: int) -> TopUp:
    """They come in pairs at one moment."""
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=number // 2)
    money = Micros(1_000_000)
    return TopUp(f"tu_{number:03}", AdvertiserId("adv1"), money, "CNY", ANN, at, f"note {number}")


def test_every_top_up_that_waits_is_reached(house: House) -> None:
    every = [asked(number) for number in range(PAGE_ROWS * 2 + 1)]
    with database.writing(house.desk.engine) as connection:
        for one in every:
            stored.add(connection, one)
    browser, seen = house.browser(OPERATOR), []
    address = "/house/top-ups"
    while address:
        page = browser.get(address)
        seen += [one.top_up_id for one in every if f"/{one.top_up_id}/confirm" in page]
        _, more, rest = page.partition('href="/house/top-ups?after=')
        address = f"/house/top-ups?after={rest.partition(chr(34))[0]}" if more else ""
    assert seen == [one.top_up_id for one in every]
    assert house.call(OPERATOR, "GET", "/house").json["top_ups"] == len(every)
    sheet = browser.call("GET", "/house/top-ups.csv").body.decode()
    assert len(sheet.splitlines()) == 1 + len(every)


def test_programs_page_through_top_ups_the_oldest_first(house: House) -> None:
    every = [asked(number) for number in range(5)]
    with database.writing(house.desk.engine) as connection:
        for one in every:
            stored.add(connection, one)
    seen, cursor = [], ""
    while True:
        reply = house.call(OPERATOR, "GET", f"/house/top-ups?limit=2&cursor={cursor}").json
        seen += [one["top_up_id"] for one in reply["items"]]
        cursor = reply["next_cursor"]
        if not cursor:
            break
    assert seen == [one.top_up_id for one in every]
    assert house.call(OPERATOR, "GET", "/house/top-ups?cursor=bm8").status == 400


def test_a_refused_confirmation_is_shown_on_the_page_where_it_was_tried(house: House) -> None:
    every = [asked(number) for number in range(PAGE_ROWS + 1)]
    with database.writing(house.desk.engine) as connection:
        for one in every:
            stored.add(connection, one)
    browser, last = house.browser(OPERATOR), every[-1].top_up_id
    page = browser.get("/house/top-ups")
    after = page.partition('href="/house/top-ups?after=')[2].partition('"')[0]
    path = f"/house/top-ups/{last}/confirm?after={after}"
    reply = browser.submit(path, {"reference": ""}, on=f"/house/top-ups?after={after}")
    assert reply.status == 422
    assert f"/{last}/confirm" in reply.body.decode()
    assert "the bank&#39;s number" in reply.body.decode()


def test_who_waits_is_listed_page_by_page_in_the_books_too(house: House) -> None:
    every = [asked(number) for number in range(3)]
    with database.writing(house.desk.engine) as connection:
        for one in every:
            stored.add(connection, one)
    engine = house.desk.engine
    assert top_ups.list_pending(engine, 2) == every[:2]
    place = every[1].asked_at, every[1].top_up_id
    assert top_ups.list_pending(engine, 2, place) == every[2:]
    assert top_ups.count_pending(engine) == 3
    with database.writing(engine) as connection:
        stored.decide(connection, replace(every[0], status=stored.TopUpStatus.REFUSED))
    assert top_ups.count_pending(engine) == 2


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("/house/advertisers/adv1", {"name": ""}, "必须为 1 到 200 个字符"),
        ("/house/switches/off", {"what": "app", "reason": ""}, "请说明原因"),
        ("/house/funds", {"pool_id": "x", "enrolment_limit": "-1"}, "不超过 1,000,000 的整数"),
        ("/house/invalid-traffic", {"first_day": "soon"}, "日期请写成 2026-10-31 的形式"),
        ("/house/partners/p_clio/reject", {"reason": ""}, "它会被保存"),
    ],
)
def test_what_is_wrong_is_said_in_the_readers_language(
    house: House, path: str, form: dict[str, str], said: str
) -> None:
    browser = house.browser(OPERATOR)
    browser.cookies["adunion_language"] = "zh"
    reply = browser.submit(path, form, on="/house")
    assert (reply.status, said in reply.body.decode()) == (422, True)
