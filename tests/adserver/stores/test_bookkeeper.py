"""The Bookkeeper's promises, on every kind of Redis."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adserver.config import Settings
from adserver.ports import StoreAwayError
from adserver.stores import redis_keys
from adserver.stores.bookkeeper import MARKS_KEPT_S, Budget, RedisBookkeeper
from adserver.stores.redis_client import RedisLine
from adserver.stores.spend import RedisSpend
from adserver.stores.users import RedisUsers
from models.domain.campaign import PricingModel
from models.domain.event import Booked, EventKind, Offer, Tracked, Verdict
from models.domain.ids import LineItemId
from models.domain.money import Micros
from tests import engines
from tests.adserver.stores.redis_cases import (
    DyingLine,
    event_of,
    forget_scripts,
    new_line_item,
    new_offer,
    new_user,
)
from tests.builders import NOW_MS

IMPRESSION, VIEWABLE = EventKind.IMPRESSION, EventKind.VIEWABLE
CLICK, CONVERSION = EventKind.CLICK, EventKind.CONVERSION
COUNTED, DUPLICATE = Verdict.COUNTED, Verdict.DUPLICATE
WINDOW_S = Settings().click_window_s
CONVERSION_WINDOW_S = Settings().conversion_window_s

NO_LIMIT = Budget()

Books = Callable[..., RedisBookkeeper]


@pytest.fixture
def books(line: RedisLine) -> Books:
    """Makes a Bookkeeper with one budget for all, at a given time after the offers were served."""

    def made(budget: Budget = NO_LIMIT, now_s: float = 60) -> RedisBookkeeper:
        return RedisBookkeeper(
            line, lambda _: budget, Settings(), clock_ms=lambda: NOW_MS + int(now_s * 1000)
        )

    return made


async def looked(books: RedisBookkeeper, event: Tracked) -> Verdict:
    found = await books.inspect(event)
    return COUNTED if found is None else found.verdict


async def day_and_total(line: RedisLine, event: Tracked) -> tuple[int, int]:
    [spent] = await RedisSpend(line).spent([event.offer.line_item_id], [event.budget_day])
    return spent


async def count_of(line: RedisLine, offer: Offer, kind: EventKind) -> int:
    [counts] = await RedisSpend(line).counts([offer.line_item_id])
    return counts[kind]


async def lifetime(line: RedisLine, offer: Offer) -> int:
    state = await RedisUsers(line, timeout_ms=5_000).load(offer.user_key, personalized=True)
    seen = state.exposures.get(offer.line_item_id)
    return seen.lifetime if seen else 0


# Counting once


async def test_an_impression_counts_charges_and_is_exposed(books: Books, line: RedisLine) -> None:
    event = event_of(new_offer(), IMPRESSION)
    assert await looked(books(), event) is COUNTED
    assert await books().book(event) == Booked(COUNTED, Micros(20_000))
    assert await day_and_total(line, event) == (20_000, 20_000)
    assert await count_of(line, event.offer, IMPRESSION) == 1
    assert await lifetime(line, event.offer) == 1


async def test_booking_again_answers_the_same_and_counts_nothing(
    books: Books, line: RedisLine
) -> None:
    event = event_of(new_offer(), IMPRESSION)
    answers = [await books().book(event) for _ in range(3)]
    assert answers == [Booked(COUNTED, Micros(20_000))] * 3
    assert await looked(books(), event) is DUPLICATE
    assert await day_and_total(line, event) == (20_000, 20_000)
    assert await count_of(line, event.offer, IMPRESSION) == 1
    assert await lifetime(line, event.offer) == 1


async def test_concurrent_duplicates_count_once(books: Books, line: RedisLine) -> None:
    event = event_of(new_offer(), IMPRESSION)
    await asyncio.gather(*(books().book(event) for _ in range(50)))
    assert await day_and_total(line, event) == (20_000, 20_000)
    assert await count_of(line, event.offer, IMPRESSION) == 1
    assert await lifetime(line, event.offer) == 1


async def test_old_events_booked_again_among_many_of_one_user_count_once(
    books: Books, line: RedisLine
) -> None:
    user, line_item = new_user(), new_line_item()
    offers = [new_offer(user_key=user, line_item_id=line_item) for _ in range(40)]
    events = [event_of(offer, IMPRESSION, after_s=at) for at, offer in enumerate(offers)]
    for event in events + events[::-1] + events[::3]:
        await books().book(event)
    assert await lifetime(line, offers[0]) == 40
    assert await count_of(line, offers[0], IMPRESSION) == 40


@pytest.mark.parametrize("after_it_was_done", [False, True])
async def test_a_crash_at_any_trip_is_repaired_by_booking_again(
    redis_url: str, books: Books, line: RedisLine, after_it_was_done: bool
) -> None:
    for trip in (1, 2, 3):
        offer = new_offer(pricing=PricingModel.CPC)
        click = event_of(offer, CLICK, after_s=5)
        await books().book(event_of(offer, IMPRESSION))
        dying = DyingLine(redis_url, trip, after_it_was_done)
        with pytest.raises(StoreAwayError):
            await RedisBookkeeper(
                dying, lambda _: NO_LIMIT, Settings(), clock_ms=lambda: NOW_MS
            ).book(click)
        await dying.close()
        assert await books().book(click) == Booked(COUNTED, Micros(20_000))
        assert await day_and_total(line, click) == (20_000, 20_000)
        assert await count_of(line, offer, CLICK) == 1


async def test_a_redis_killed_under_load_counts_each_event_once(short_dir: Path) -> None:
    durable = ("--appendonly", "yes", "--appendfsync", "always")
    with engines.redis_server(short_dir, "", *durable) as redis:
        line = RedisLine(redis.url)
        book = RedisBookkeeper(line, lambda _: NO_LIMIT, Settings(), clock_ms=lambda: NOW_MS)
        line_item, user = new_line_item(), new_user()
        offers = [new_offer(line_item_id=line_item, user_key=user) for _ in range(300)]
        events = [event_of(offer, IMPRESSION) for offer in offers]
        answered: set[int] = set()

        async def insist(number: int) -> None:
            while number not in answered:
                try:
                    assert await book.book(events[number]) == Booked(COUNTED, Micros(20_000))
                    answered.add(number)
                except StoreAwayError:
                    await asyncio.sleep(0.02)

        async def in_turn(first: int) -> None:
            for number in range(first, len(events), 10):
                await insist(number)

        async def kill_now_and_then() -> None:
            for _ in range(3):
                await asyncio.sleep(0.03)
                await asyncio.to_thread(redis.server.kill)
                await asyncio.to_thread(redis.server.start)

        await asyncio.gather(kill_now_and_then(), *(in_turn(first) for first in range(10)))
        assert await day_and_total(line, events[0]) == (6_000_000, 6_000_000)
        assert await count_of(line, offers[0], IMPRESSION) == 300
        assert await lifetime(line, offers[0]) == 300
        await line.close()


async def test_a_crash_between_charge_and_exposure_is_repaired(
    books: Books, line: RedisLine
) -> None:
    event = event_of(new_offer(), IMPRESSION)
    book = books()
    await line.ask(book._claim(event, "take"))
    await line.ask(book._charge(event))
    assert await book.book(event) == Booked(COUNTED, Micros(20_000))
    assert await lifetime(line, event.offer) == 1
    assert await day_and_total(line, event) == (20_000, 20_000)


async def test_an_event_too_old_for_its_marks_is_not_billed(books: Books, line: RedisLine) -> None:
    event = event_of(new_offer(), IMPRESSION)
    late = books(now_s=MARKS_KEPT_S + 2)
    assert await looked(late, event) is Verdict.EXPIRED
    assert (await late.book(event)).verdict is Verdict.EXPIRED
    assert await day_and_total(line, event) == (0, 0)


async def test_a_replay_long_after_the_first_is_a_duplicate_and_not_charged(
    books: Books, line: RedisLine
) -> None:
    offer = new_offer(pricing=PricingModel.CPC)
    await books().book(event_of(offer, IMPRESSION))
    await books().book(click := event_of(offer, CLICK, after_s=5))
    replay = event_of(offer, CLICK, after_s=MARKS_KEPT_S + 60)
    await line.ask(("DEL", redis_keys.charge(redis_keys.shard(offer.line_item_id), click.event_id)))
    assert await books(now_s=MARKS_KEPT_S + 60).book(replay) == Booked(DUPLICATE)
    assert await day_and_total(line, click) == (20_000, 20_000)


# One offer, several claims


async def test_a_retry_that_was_shown_another_ad_counts_once(books: Books, line: RedisLine) -> None:
    first = new_offer()
    second = replace(first, line_item_id=new_line_item())
    assert (await books().book(event_of(first, IMPRESSION))).verdict is COUNTED
    assert await looked(books(), event_of(second, IMPRESSION)) is DUPLICATE
    assert await books().book(event_of(second, IMPRESSION)) == Booked(DUPLICATE)
    assert await books().book(event_of(second, CLICK, after_s=5)) == Booked(DUPLICATE)
    assert await count_of(line, second, IMPRESSION) == 0
    assert await lifetime(line, second) == 0


async def test_of_concurrent_claims_with_different_ads_exactly_one_wins(
    books: Books, line: RedisLine
) -> None:
    first = new_offer()
    offers = [replace(first, line_item_id=new_line_item()) for _ in range(20)]
    booked = await asyncio.gather(*(books().book(event_of(one, IMPRESSION)) for one in offers))
    assert sorted(one.verdict for one in booked) == [COUNTED] + [DUPLICATE] * 19
    assert sum([await count_of(line, one, IMPRESSION) for one in offers]) == 1


# What must come before


async def test_click_and_viewable_need_an_impression_of_the_offer(books: Books) -> None:
    for kind in (CLICK, VIEWABLE):
        event = event_of(new_offer(), kind)
        assert await looked(books(), event) is Verdict.NO_IMPRESSION
        assert (await books().book(event)).verdict is Verdict.NO_IMPRESSION


async def test_a_click_refused_before_its_impression_counts_when_it_comes_again(
    books: Books,
) -> None:
    offer = new_offer()
    click = event_of(offer, CLICK, after_s=5)
    assert (await books().book(click)).verdict is Verdict.NO_IMPRESSION
    await books().book(event_of(offer, IMPRESSION))
    assert await looked(books(), click) is COUNTED
    assert (await books().book(click)).verdict is COUNTED


@pytest.mark.parametrize("kind", [CLICK, VIEWABLE])
@pytest.mark.parametrize(("after_s", "verdict"), [(0, COUNTED), (1, Verdict.EXPIRED)])
async def test_click_and_viewable_count_within_the_window_of_the_impression(
    books: Books, kind: EventKind, after_s: int, verdict: Verdict
) -> None:
    offer = new_offer()
    await books().book(event_of(offer, IMPRESSION, after_s=10))
    event = event_of(offer, kind, after_s=10 + WINDOW_S + after_s)
    assert await looked(books(), event) is verdict
    assert (await books().book(event)).verdict is verdict


async def test_conversions_need_a_counted_click(books: Books) -> None:
    offer = new_offer(pricing=PricingModel.CPA)
    await books().book(event_of(offer, IMPRESSION))
    assert (await books().book(event_of(offer, CONVERSION))).verdict is Verdict.NO_CLICK


@pytest.mark.parametrize(
    ("after_the_click_s", "verdict"),
    [
        (60, COUNTED),
        (CONVERSION_WINDOW_S, COUNTED),
        (CONVERSION_WINDOW_S + 1, Verdict.EXPIRED),
        (-200, COUNTED),
        (-400, Verdict.NO_CLICK),
    ],
)
async def test_conversions_count_within_their_window_by_when_they_happened(
    books: Books, after_the_click_s: int, verdict: Verdict
) -> None:
    offer = new_offer(pricing=PricingModel.CPA)
    await books().book(event_of(offer, IMPRESSION))
    await books().book(event_of(offer, CLICK, after_s=500))
    event = event_of(
        offer, CONVERSION, after_s=600, occurred_ms=NOW_MS + (500 + after_the_click_s) * 1000
    )
    assert await looked(books(), event) is verdict
    assert (await books().book(event)).verdict is verdict


async def test_several_conversions_of_one_click_count_each_once(
    books: Books, line: RedisLine
) -> None:
    offer = new_offer(pricing=PricingModel.CPA)
    await books().book(event_of(offer, IMPRESSION))
    await books().book(event_of(offer, CLICK, after_s=2))
    for order in ("o1", "o2", "o1"):
        await books().book(event_of(offer, CONVERSION, after_s=9, salt=order))
    assert await count_of(line, offer, CONVERSION) == 2
    assert await day_and_total(line, event_of(offer, CONVERSION)) == (40_000, 40_000)


# Budgets


async def test_only_the_billable_kind_is_charged(books: Books) -> None:
    offer = new_offer(pricing=PricingModel.CPC)
    assert (await books().book(event_of(offer, IMPRESSION))).charged_micros == 0
    assert (await books().book(event_of(offer, VIEWABLE, 2))).charged_micros == 0
    assert (await books().book(event_of(offer, CLICK, 3))).charged_micros == 20_000


@pytest.mark.parametrize(
    "budget", [Budget(Micros(50_000), None), Budget(None, Micros(50_000))], ids=["daily", "total"]
)
async def test_spend_never_exceeds_a_budget_whatever_arrives_at_once(
    books: Books, line: RedisLine, budget: Budget
) -> None:
    line_item = new_line_item()
    events = [event_of(new_offer(line_item_id=line_item), IMPRESSION) for _ in range(20)]
    booked = await asyncio.gather(*(books(budget).book(event) for event in events))
    assert sorted(one.charged_micros for one in booked) == [0] * 17 + [10_000, 20_000, 20_000]
    assert await day_and_total(line, events[0]) == (50_000, 50_000)
    assert await count_of(line, events[0].offer, IMPRESSION) == 20


async def test_a_budget_lowered_below_what_is_spent_charges_nothing(books: Books) -> None:
    line_item = new_line_item()
    await books().book(event_of(new_offer(line_item_id=line_item), IMPRESSION))
    lowered = books(Budget(None, Micros(5_000)))
    booked = await lowered.book(event_of(new_offer(line_item_id=line_item), IMPRESSION))
    assert booked == Booked(COUNTED, Micros(0))


async def test_the_daily_budget_is_that_of_the_advertisers_day(
    books: Books, line: RedisLine
) -> None:
    line_item = new_line_item()  # served at 20:00 in Shanghai, so midnight is 4 h away
    before = event_of(new_offer(line_item_id=line_item), IMPRESSION, after_s=4 * 3600 - 1)
    after = event_of(new_offer(line_item_id=line_item), IMPRESSION, after_s=4 * 3600)
    one_a_day = books(Budget(Micros(20_000), None))
    assert [(await one_a_day.book(event)).charged_micros for event in (before, after)] == [
        20_000
    ] * 2
    assert await day_and_total(line, before) == (20_000, 40_000)


# Bursts


async def clicked(books: RedisBookkeeper, at_s: float, user: object, address: int = 0) -> Verdict:
    """A click on a new offer whose impression was counted; what inspect said must come true."""
    offer = new_offer(user_key=user)
    await books.book(event_of(offer, IMPRESSION, after_s=at_s))
    click = event_of(offer, CLICK, after_s=at_s, address_key=address)
    expected = await looked(books, click)
    assert (await books.book(click)).verdict is expected
    return expected


def allowed(times_s: list[int]) -> list[int]:
    """The oracle: which of these clicks the four limits let pass."""
    passed: list[int] = []
    for at in times_s:
        limits = ((1, 60), (3, 600), (10, 3600), (25, 86_400))
        if all(sum(at - period < other for other in passed) < most for most, period in limits):
            passed.append(at)
    return passed


@pytest.mark.parametrize("step_s", [20, 61, 250, 1500], ids=["minute", "ten", "hour", "day"])
async def test_click_bursts_of_a_user_are_refused(books: Books, step_s: int) -> None:
    user, times = new_user(), [step_s * number for number in range(32)]
    passed = [at for at in times if await clicked(books(), at, user) is COUNTED]
    assert passed == allowed(times)
    assert len(passed) < len(times)


async def test_click_bursts_of_an_address_are_refused_across_users(books: Books) -> None:
    address = new_user()
    verdicts = [await clicked(books(), at, new_user(), address) for at in (0, 30, 61)]
    assert verdicts == [COUNTED, Verdict.INVALID_TRAFFIC, COUNTED]


async def test_clicks_without_user_and_address_are_not_held_together(books: Books) -> None:
    assert [await clicked(books(), 0, None) for _ in range(3)] == [COUNTED] * 3


async def test_of_concurrent_clicks_of_one_user_one_counts(books: Books) -> None:
    user = new_user()
    verdicts = await asyncio.gather(*(clicked_at_once(books(), user) for _ in range(10)))
    assert sorted(verdicts) == [COUNTED] + [Verdict.INVALID_TRAFFIC] * 9


async def clicked_at_once(books: RedisBookkeeper, user: object) -> Verdict:
    offer = new_offer(user_key=user)
    await books.book(event_of(offer, IMPRESSION))
    return (await books.book(event_of(offer, CLICK, after_s=3))).verdict


# Doubts and tests


async def test_a_doubtful_event_is_never_billed_and_its_replay_is_a_duplicate(
    books: Books, line: RedisLine
) -> None:
    event = event_of(new_offer(), IMPRESSION, doubt=Verdict.INVALID_TRAFFIC)
    assert await looked(books(), event) is Verdict.INVALID_TRAFFIC
    assert await books().book(event) == Booked(Verdict.INVALID_TRAFFIC)
    assert await looked(books(), event) is DUPLICATE
    assert await books().book(event) == Booked(Verdict.INVALID_TRAFFIC)
    assert await day_and_total(line, event) == (0, 0)


async def test_a_doubtful_copy_does_not_keep_the_true_event_from_counting(books: Books) -> None:
    event = event_of(new_offer(), IMPRESSION)
    for doubt in (Verdict.BAD_SIGNATURE, Verdict.INVALID_TRAFFIC, Verdict.EXPIRED):
        await books().book(replace(event, doubt=doubt))
    assert await looked(books(), event) is COUNTED
    assert (await books().book(event)).verdict is COUNTED


async def test_bad_signatures_of_one_address_are_kept_once_a_minute(books: Books) -> None:
    address = new_user()
    forged = [
        event_of(new_offer(), CLICK, doubt=Verdict.BAD_SIGNATURE, address_key=address)
        for _ in range(2)
    ]
    await books().book(forged[0])
    assert await looked(books(), forged[1]) is DUPLICATE


async def test_test_ads_never_count(books: Books, line: RedisLine) -> None:
    for kind in EventKind:
        event = event_of(new_offer(test=True), kind)
        assert await looked(books(), event) is Verdict.TEST
        assert await books().book(event) == Booked(Verdict.TEST)
        assert await count_of(line, event.offer, kind) == 0


async def test_looking_writes_nothing(books: Books, line: RedisLine) -> None:
    offer = new_offer()
    await books().book(event_of(offer, IMPRESSION))
    click = event_of(offer, CLICK, after_s=2)
    keys = [
        redis_keys.clicks_of_user(offer.user_key),
        redis_keys.clicks_of_address(click.address_key),
        redis_keys.charge(redis_keys.shard(offer.line_item_id), click.event_id),
    ]
    assert await looked(books(), click) is COUNTED
    assert await line.ask_all([("EXISTS", key) for key in keys]) == [0, 0, 0]
    mark = redis_keys.offer(offer.offer_id)
    assert await line.ask(("HLEN", mark)) == 2


# A Redis with other things in it


async def test_keys_of_another_type_make_way(books: Books, line: RedisLine) -> None:
    offer = new_offer(pricing=PricingModel.CPC)
    impression, click = event_of(offer, IMPRESSION), event_of(offer, CLICK, after_s=2)
    await line.ask_all(
        [
            ("LPUSH", key, "old")
            for key in (
                redis_keys.offer(offer.offer_id),
                redis_keys.exposures(offer.user_key),
                redis_keys.impressions_seen(offer.user_key),
                redis_keys.clicks_of_user(offer.user_key),
                redis_keys.clicks_of_address(click.address_key),
                *(redis_keys.charge(_shard(offer), one.event_id) for one in (impression, click)),
            )
        ]
    )
    for event in (impression, click):
        assert await looked(books(), event) is COUNTED
        assert (await books().book(event)).verdict is COUNTED
    assert await lifetime(line, offer) == 1


async def test_scripts_a_server_has_forgotten_are_taught_again(
    books: Books, redis_url: str
) -> None:
    offer = new_offer()
    await books().book(event_of(offer, IMPRESSION))
    forget_scripts(redis_url)
    assert (await books().book(event_of(offer, CLICK, after_s=2))).verdict is COUNTED


def _shard(offer: Offer) -> int:
    return redis_keys.shard(LineItemId(offer.line_item_id))
