"""Advertisers with their first person, top-ups that wait, the home page, loops that fail."""

import asyncio
import re
from datetime import UTC, datetime

from sqlalchemy import event

from adserver.accounting import top_ups
from adserver.accounting.top_ups import Asked
from adserver.console import loops
from adserver.console.loops import repeating
from adserver.console.operators import customers
from adserver.stores import database, house_ads
from adserver.stores.house_ads import HouseAd
from models.domain.campaign import Review
from models.domain.ids import AdvertiserId
from models.domain.money import Micros
from models.domain.placement import Format
from tests import builders
from tests.adserver.api.running import Reply
from tests.adserver.console.account.people import ANN, NOW, OPERATOR, House
from tests.adserver.console.web.running import Browser

FORM = {"name": "New & Co", "time_zone": "Asia/Shanghai", "prepaid": "1"}


OWN_AD = HouseAd(
    "ha_1", "app1", Format.SPLASH, 1080, 1920, "Version 2", "", "Update",
    "https://game.example/new", "", "", 0, "", Review.PENDING, "", True, NOW,
)  # fmt: skip


def text(reply: Reply) -> str:
    return reply.body.decode()


def ask(house: House, yuan: int = 500) -> str:
    asked = Asked(Micros(yuan * 1_000_000), "CNY", "wire of today")
    owner, now = AdvertiserId("adv1"), datetime.now(UTC)
    return top_ups.ask(house.desk.engine, owner, asked, house.who[ANN], now).top_up_id


def test_an_advertiser_is_made_with_a_link_for_its_first_person(house: House) -> None:
    path = "/house/advertisers"
    form = FORM | {"email": "new@co.example"}
    page = text(house.browser(OPERATOR).submit(path, form, on=path))
    assert "Made New &amp; Co" in page
    link = re.search(r"(/invitations/[\w-]+)", page)
    assert link
    newcomer = Browser(house.port)
    chosen = {"password": "a long enough one", "again": "a long enough one"}
    assert newcomer.submit(link[1], chosen).status == 303
    found = house.call(OPERATOR, "GET", "/house/advertisers").json["items"]
    (made,) = [one for one in found if one["name"] == "New & Co"]
    assert made["prepaid"]
    assert "New &amp; Co" in newcomer.get("/account/organisation")
    assert newcomer.call("GET", "/advertisers/adv1").status == 404


def test_an_address_that_is_taken_makes_nothing(house: House) -> None:
    path = "/house/advertisers"
    before = house.call(OPERATOR, "GET", path).json["items"]
    reply = house.browser(OPERATOR).submit(path, FORM | {"email": ANN}, on=path)
    assert reply.status == 422
    assert 'value="New &amp; Co"' in text(reply)
    assert house.call(OPERATOR, "GET", path).json["items"] == before
    wrong = house.browser(OPERATOR).submit(path, FORM | {"time_zone": "Mars"}, on=path)
    assert wrong.status == 422
    made = house.call(OPERATOR, "POST", path, {"name": "By program", "email": ""})
    assert (made.status, made.json["invitation"]) == (201, "")


def test_a_top_up_is_confirmed_once_and_spendable(house: House) -> None:
    top_up, path = ask(house), "/house/top-ups"
    browser = house.browser(OPERATOR)
    assert "wire of today" in browser.get(path)
    assert "Top-ups to confirm" in browser.get("/house")
    refused = browser.submit(f"{path}/{top_up}/confirm", {"reference": " "}, on=path)
    assert refused.status == 422
    form = {"reference": "B77"}
    assert browser.submit(f"{path}/{top_up}/confirm", form, on=path).status == 303
    again = browser.submit(f"{path}/{top_up}/confirm", form, on="/house/funds")
    assert again.status == 409
    found = house.call(OPERATOR, "GET", "/house/advertisers").json["items"]
    assert [one["balance_micros"] for one in found] == [500_000_000, 0]
    assert house.call(OPERATOR, "GET", "/house").json["top_ups"] == 0


def test_a_top_up_is_refused_in_words_and_only_where_there_is_one(house: House) -> None:
    top_up = ask(house)
    path = f"/house/top-ups/{top_up}"
    assert house.call(OPERATOR, "POST", f"{path}/refuse", {"reason": ""}).status == 422
    made = house.call(OPERATOR, "POST", f"{path}/refuse", {"reason": "nothing came"})
    assert (made.status, made.json["status"]) == (200, "refused")
    assert house.call(OPERATOR, "POST", f"{path}/confirm", {"reference": "B1"}).status == 409
    nobody = "/house/top-ups/tu_nobody/confirm"
    assert house.call(OPERATOR, "POST", nobody, {"reference": "B1"}).status == 404


def test_the_home_page_counts_what_waits(house: House) -> None:
    found = house.call(OPERATOR, "GET", "/house").json
    assert found["partner_applications"] == 1
    page = house.browser(OPERATOR).get("/house")
    assert "Partner applications" in page
    assert "/house/partners?standing=applied" in page
    with database.writing(house.desk.engine) as connection:
        house_ads.add(connection, OWN_AD)
    assert house.call(OPERATOR, "GET", "/house").json["own_ads_to_review"] == 1
    assert 'href="/house/house-ads"' in house.browser(OPERATOR).get("/house")
    with database.writing(house.desk.engine) as connection:
        house_ads.put(connection, house_ads.judged(OWN_AD, Review.APPROVED, "", NOW))
    house.call(OPERATOR, "POST", "/house/partners/p_clio/approve", {})
    assert "Nothing waits for a decision." in house.browser(OPERATOR).get("/house")


async def test_a_loop_that_fails_is_told_until_it_works_again(house: House) -> None:
    works, rounds = asyncio.Event(), asyncio.Queue[None]()

    async def work() -> None:
        rounds.put_nowait(None)
        if not works.is_set():
            raise OSError("the disk is full")

    async def two_rounds() -> None:
        """The first may have been under way; after the second the first is over."""
        while not rounds.empty():
            rounds.get_nowait()
        await rounds.get()
        await rounds.get()

    async with repeating("a test's loop", 0.01, work):
        await two_rounds()
        (found,) = loops.failing()
        assert (found.loop, found.failure) == ("a test's loop", "the disk is full")
        page = await asyncio.to_thread(house.browser(OPERATOR).get, "/house")
        assert "the disk is full" in page
        works.set()
        await two_rounds()
        assert loops.failing() == []


def test_the_list_of_advertisers_costs_as_many_statements_for_a_hundred_as_for_two(
    house: House,
) -> None:
    statements: list[str] = []

    def count(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(house.desk.engine, "before_cursor_execute", count)
    assert len(customers.advertisers(house.desk)) == 2
    few = len(statements)
    many = [builders.advertiser(advertiser_id=f"many{number}") for number in range(98)]
    house.desk.catalog.add_all(many, NOW)
    statements.clear()
    assert len(customers.advertisers(house.desk)) == 100
    assert len(statements) == few
