"""Long lists in pieces: nobody is lost who changes while somebody else pages, and none is slow."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from multidict import MultiDict
from sqlalchemy import event

from adserver.api.problems import BadRequestError
from adserver.console.operators.house import partners_of
from adserver.console.operators.paging import PAGE_ROWS, Order, part_of
from adserver.stores import database, findings, funds
from adserver.stores.funds import Fund
from affiliate.ad_revenue import Finding
from affiliate.merchandise import Merchant
from affiliate.partner import Rate
from models.domain.ids import AdvertiserId, AppId, MerchantId, PoolId
from models.domain.money import PPM
from tests import builders
from tests.adserver.console.account.people import NOW, OPERATOR, House
from tests.adserver.console.operators.at_the_desk import call, further

MANY = PAGE_ROWS * 2
MOST_STATEMENTS = 25


@dataclass(frozen=True)
class Thing:
    name: str
    done: bool = False


WAITING_FIRST: Order[Thing] = Order(lambda one: (one.done, one.name))
NEWEST_FIRST: Order[Thing] = Order(lambda one: (one.name,), falling=True)


@contextmanager
def counted(house: House) -> Iterator[list[str]]:
    """The statements that the database is asked."""
    said: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(house.desk.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(house.desk.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("order", [WAITING_FIRST, NEWEST_FIRST])
@pytest.mark.parametrize("happens", ["done", "gone"])
def test_whoever_moves_or_goes_between_two_pages_hides_nobody(
    order: Order[Thing], happens: str
) -> None:
    rows = {f"{number:03}": Thing(f"{number:03}") for number in range(10)}
    seen: set[str] = set()
    after = ""
    while True:
        some, after = order.piece(rows.values(), after, 3)
        seen |= {one.name for one in some}
        if not after:
            break
        last = some[-1]  # the one that the cursor was made of
        if happens == "gone":
            del rows[last.name]
        else:
            rows[last.name] = replace(last, done=True)
    assert seen == {f"{number:03}" for number in range(10)}


@pytest.mark.parametrize("after", ["x", "{}", '["x"]', "[[1]]", '[true,"a\\ud800"]', "[1e999]"])
def test_a_cursor_that_is_not_ours_is_refused(after: str) -> None:
    asked = replace(call(NOW), query=MultiDict({"after": after}))
    with pytest.raises(BadRequestError):
        part_of(asked, "/house/things", [Thing("a")], WAITING_FIRST)


def test_the_next_page_is_of_the_same_table_and_repeats_no_work() -> None:
    query = MultiDict({"state": "pending", "count": "inv_1"})
    rows = [Thing(f"a&b {number:03}") for number in range(MANY)]
    asked = replace(call(NOW), query=query)
    some, address = part_of(asked, "/house/things", rows, WAITING_FIRST, ("state", "period"))
    assert [*some] == rows[:PAGE_ROWS]
    query = MultiDict({name: one for name, (one,) in parse_qs(urlsplit(address).query).items()})
    assert sorted(query) == ["after", "state"]
    asked = replace(asked, query=query)
    assert part_of(asked, "/house/things", rows, WAITING_FIRST) == (rows[PAGE_ROWS:], "")


def test_an_advertiser_archived_meanwhile_hides_no_other(house: House) -> None:
    every = [
        builders.advertiser(advertiser_id=AdvertiserId(f"many{number:03}"), name=f"A{number:03}")
        for number in range(MANY)
    ]
    house.desk.catalog.add_all(every, NOW)
    browser = house.browser(OPERATOR)
    pages = [browser.get("/house/advertisers")]
    house.call(OPERATOR, "POST", f"/house/advertisers/many{PAGE_ROWS - 1:03}/archive")
    while address := further(pages[-1]):
        pages.append(browser.get(address))
    seen = {one.advertiser_id for one in every if any(one.advertiser_id in page for page in pages)}
    assert len(seen) == MANY


def test_an_odd_cursor_is_answered_in_words(house: House) -> None:
    assert house.browser(OPERATOR).call("GET", "/house/advertisers?after=x").status == 400
    assert house.call(OPERATOR, "GET", "/house/advertisers?cursor=bm8").status == 400


def with_findings(house: House) -> None:
    day = date(2026, 1, 1)
    with database.writing(house.desk.engine) as connection:
        for number in range(MANY + 5):
            one = Finding(f"inv_{number:04}", "x", day, day, app_id=AppId(f"a{number}"))
            findings.add_rule(connection, one, NOW - timedelta(minutes=number // 2))


def with_funds(house: House) -> None:
    with database.writing(house.desk.engine) as connection:
        for number in range(MANY + 5):
            funds.add_fund(connection, Fund(PoolId(f"f{number:04}"), "x", "CNY", NOW))


def with_merchants(house: House) -> None:
    with partners_of(house.desk).changing(NOW, OPERATOR) as changes:
        for number in range(MANY + 5):
            merchant = Merchant(
                MerchantId(f"shop{number:04}"),
                name=f"Shop {number:04}",
                home_url="https://shop.example/",
                default_rate=Rate(ppm=PPM // 10),
            )
            changes.add_merchant(merchant, "")


LISTS = {
    "/house/invalid-traffic": (with_findings, r"app a\d+"),
    "/house/funds": (with_funds, r'/house/funds/f\d{4}"'),
    "/house/merchants": (with_merchants, r'/house/merchants/shop\d{4}"'),
}


@pytest.mark.parametrize("path", sorted(LISTS))
def test_a_page_of_money_asks_the_books_for_what_it_shows_in_few_statements(
    house: House, path: str
) -> None:
    fill, mark = LISTS[path]
    fill(house)
    browser, seen, address = house.browser(OPERATOR), [], path
    browser.get(path)
    while address:
        with counted(house) as said:
            page = browser.get(address)
        assert len(said) < MOST_STATEMENTS
        seen += re.findall(mark, page)
        address = further(page)
    assert (len(seen), len(set(seen))) == (MANY + 5, MANY + 5)
    for asked in ({}, {"Accept": "text/csv"}):
        with counted(house) as said:
            house.call(OPERATOR, "GET", f"{path}?limit=60", **asked)
        assert len(said) < MOST_STATEMENTS
    with counted(house) as said:
        sheet = browser.call("GET", f"{path}.csv").body.decode()
    assert len(sheet.splitlines()) == 1 + MANY + 5
    assert len(said) < MOST_STATEMENTS
