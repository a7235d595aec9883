"""Clicks on ads for products: they cost nobody anything, and lead on with a receipt."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from affiliate.order import Touch, TouchKind
from models.domain.campaign import PricingModel
from models.domain.event import EventKind, event_id, offer_id
from models.domain.ids import AppId, LineItemId, PartnerId, ProductRef
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from tests import builders
from tests.adserver.api.running import Client, Worker, running, settings_in, unique

PAGE = "https://kettles.example/p/4711?color=red"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def market() -> Marketplace:
    """What the console publishes: a paid click, and a kettle whose sale pays 400.00."""
    kettle = builders.line_item(
        line_item_id="li_kettle",
        campaign_id="cmp2",
        pricing=PricingModel.CPS,
        bid_micros=Micros(400_000_000),
        product=ProductRef("kettles/47/11"),
    )
    paid = builders.line_item(pricing=PricingModel.CPC, bid_micros=Micros(10_000))
    return builders.marketplace(
        advertisers=(builders.advertiser(), builders.advertiser(advertiser_id="adv2")),
        campaigns=(
            builders.campaign(),
            builders.campaign(campaign_id="cmp2", advertiser_id="adv2"),
        ),
        line_items=(paid, kettle),
        creatives=(
            builders.creative(),
            builders.creative(creative_id="cr2", line_item_id="li_kettle", landing_url=PAGE),
        ),
        apps=(builders.app(partner_id=PartnerId("blog")),),
    )


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, redis_embedded_url: str) -> Iterator[Worker]:
    directory = tmp_path_factory.mktemp("house")
    settings = settings_in(directory, redis_embedded_url, explore_epsilon_ppm=0)
    with running(settings, market()) as started:
        yield started


def receipt(worker: Worker, location: str) -> Touch:
    parts = urlsplit(location)
    (click_id,) = parse_qs(parts.query)["click_id"]
    assert location.startswith(f"{PAGE}&click_id=")
    return worker.serving.receipts.read(click_id)


def test_the_product_wins_and_its_click_leads_to_its_page_with_a_receipt(
    worker: Worker, client: Client
) -> None:
    request_id = unique("r")
    ad = client.ad(request_id=request_id, user={"id": unique("u")})
    assert ad["line_item_id"] == "li_kettle"
    assert ad["landing"]["url"] == ad["trackers"]["click_through"]
    assert client.verdict(ad["trackers"]["impression"][0]) is True
    reply = client.follow(ad["trackers"]["click_through"])
    assert reply.status == 302
    touch = receipt(worker, reply.headers["Location"])
    offer = offer_id(AppId("app1"), request_id, 0)
    assert touch.touch_id == event_id(offer, EventKind.CLICK).hex
    assert (touch.kind, touch.partner_id) == (TouchKind.AD, "blog")
    assert (touch.merchant_id, touch.sku) == ("kettles", "47/11")
    assert (touch.app_id, touch.placement_id, touch.line_item_id) == ("app1", "pl1", "li_kettle")
    assert touch.invalid == ""
    again = receipt(worker, client.follow(ad["trackers"]["click_through"]).headers["Location"])
    assert replace(again, clicked_at=touch.clicked_at) == touch


def test_a_product_that_is_worth_less_than_a_paid_click_does_not_win(
    worker: Worker, client: Client
) -> None:
    whole = market()
    paid, kettle = whole.line_items
    try:
        cheap = replace(kettle, bid_micros=Micros(1_000))
        worker.publish(replace(whole, line_items=(paid, cheap)))
        assert client.ad(user={"id": unique("u")})["line_item_id"] == "li1"
    finally:
        worker.publish(whole)


def test_nothing_is_charged_for_a_product_and_nothing_set_aside(
    worker: Worker, client: Client
) -> None:
    ad = client.ad(user={"id": unique("u")})
    token = ad["trackers"]["click_through"].rpartition("/")[2]
    offer = worker.serving.signer.verify(token)
    assert (offer.price_micros, offer.reserved_micros, offer.billable) == (0, 0, None)
    assert client.verdict(ad["trackers"]["impression"][0]) is True
    assert client.verdict(ad["trackers"]["click"][0]) is True
    board = worker.serving.live().snapshot.spend
    row = board.catalog.line_item_row[LineItemId("li_kettle")]
    assert board.spent_total[row] == board.reserved[row] == 0


def test_a_click_of_a_bot_or_without_an_impression_has_a_receipt_that_earns_nothing(
    worker: Worker, client: Client
) -> None:
    ad = client.ad(user={"id": unique("u")})
    url = ad["trackers"]["click_through"]
    assert receipt(worker, client.follow(url).headers["Location"]).invalid == "no_impression"
    crawler = worker.client(user_agent=CRAWLER)
    told = receipt(worker, crawler.follow(url).headers["Location"])
    assert told.invalid == "invalid_traffic"


def test_a_late_click_on_a_product_that_no_longer_runs_still_has_its_receipt(
    worker: Worker, client: Client
) -> None:
    whole = market()
    paid, kettle = whole.line_items
    ad = client.ad(user={"id": unique("u")})
    client.follow(ad["trackers"]["impression"][0])
    try:
        gone = replace(kettle, bid_micros=Micros(0), active=False)
        worker.publish(replace(whole, line_items=(paid, gone)))
        assert client.ad(user={"id": unique("u")})["line_item_id"] == "li1"
        location = client.follow(ad["trackers"]["click_through"]).headers["Location"]
        assert receipt(worker, location).sku == "47/11"
    finally:
        worker.publish(whole)
