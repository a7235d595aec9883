"""Counts tracked events exactly once, in Redis: marks, spend, exposures.

Here: the order of the steps. Never here: what a step does on its keys (the .lua files). The
surprising fact: there is no transaction over the steps. Each is one script on one node that does
its part once for an event id, so a crash between any two is repaired by booking again.

    admit_click   address, user   only clicks: is it one too many?
    claim         offer           does it count? its line item is the first that claimed
    charge        line item       counters, spend, clamped to the budgets
    expose        user            only impressions: what frequency caps count
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from adserver.config import Settings
from adserver.stores import redis_keys
from adserver.stores.redis_client import RedisLine, script
from adserver.stores.redis_lanes import Command
from models.domain.event import Booked, EventKind, Tracked, Verdict
from models.domain.ids import LineItemId
from models.domain.money import NO_MONEY, Micros

ADMIT_CLICK, CLAIM = script("admit_click"), script("claim")
CHARGE, EXPOSE = script("charge"), script("expose")

DAY_S = 86_400
MARKS_KEPT_S = 3 * DAY_S  # later than this after its arrival, nothing new is booked
CLOCKS_DIFFER_S = 300
EXPOSURES_KEPT_S = 90 * DAY_S
SPENT_DAY_KEPT_S = MARKS_KEPT_S + 3 * DAY_S
DOUBT_KEPT_S = 3_600
BAD_SIGNATURE_KEPT_S = 60

MINUTE_MS = 60_000
CLICK_LIMITS = ((1, MINUTE_MS), (3, 10 * MINUTE_MS), (10, 60 * MINUTE_MS), (25, 1_440 * MINUTE_MS))
CLICKS_KEPT = max(clicks for clicks, _ in CLICK_LIMITS)

FOLLOWS = {
    EventKind.IMPRESSION: "",
    EventKind.VIEWABLE: EventKind.IMPRESSION,
    EventKind.CLICK: EventKind.IMPRESSION,
    EventKind.CONVERSION: EventKind.CLICK,
}
NOT_A_DOUBT = frozenset({Verdict.DUPLICATE, Verdict.TEST})
LOOK, TAKE = "look", "take"


@dataclass(frozen=True, slots=True)
class Budget:
    """What a line item may spend on one of its local days and in total; None is no limit."""

    daily_micros: Micros | None = None
    total_micros: Micros | None = None


NOTHING_TO_SPEND = Budget(NO_MONEY, NO_MONEY)


def now_ms() -> int:
    """Unix time in milliseconds."""
    return int(datetime.now(UTC).timestamp() * 1000)


class RedisBookkeeper:
    """`ports.Bookkeeper` on a line to Redis.

    `budgets` answers the budget of a line item, also of one that has ended or was edited since;
    for one nobody knows it should answer `NOTHING_TO_SPEND`.
    """

    def __init__(
        self,
        line: RedisLine,
        budgets: Callable[[LineItemId], Budget],
        settings: Settings,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._line = line
        self._budgets = budgets
        self._clock_ms = clock_ms
        self._windows_s = {
            EventKind.IMPRESSION: 0,
            EventKind.VIEWABLE: settings.click_window_s,
            EventKind.CLICK: settings.click_window_s,
            EventKind.CONVERSION: settings.conversion_window_s,
        }
        self._offer_kept_s = MARKS_KEPT_S + settings.click_window_s
        self._clicked_offer_kept_s = MARKS_KEPT_S + settings.conversion_window_s

    async def inspect(self, event: Tracked) -> Booked | None:
        """Why this event would not count; None when it may be booked. Writes nothing.

        A doubtful event that is marked already is a duplicate.

        Raises:
            StoreAwayError: Redis is away.
        """
        verdict = await self._judged(event, LOOK)
        if verdict is Verdict.COUNTED:
            return None
        if verdict in NOT_A_DOUBT:
            return Booked(verdict)
        known = await self._line.ask(("EXISTS", _doubt_key(event, verdict)))
        return Booked(Verdict.DUPLICATE if known else verdict)

    async def book(self, event: Tracked) -> Booked:
        """Counts the event, or marks it as doubtful. The same event gets the same answer again.

        Raises:
            StoreAwayError: Redis is away, perhaps half-way through; book again.
        """
        verdict = await self._judged(event, TAKE)
        if verdict is Verdict.COUNTED:
            return Booked(Verdict.COUNTED, await self._counted(event))
        if verdict not in NOT_A_DOUBT:
            kept_s = BAD_SIGNATURE_KEPT_S if verdict is Verdict.BAD_SIGNATURE else DOUBT_KEPT_S
            await self._line.ask(("SET", _doubt_key(event, verdict), 1, "EX", kept_s))
        return Booked(verdict)

    async def _judged(self, event: Tracked, mode: str) -> Verdict:
        """COUNTED or a refusal. Taking leaves its marks."""
        if event.offer.test:
            return Verdict.TEST
        if event.doubt is not None:
            return event.doubt
        if self._too_late(event):
            return Verdict.EXPIRED
        if not all(await self._line.ask_all(_admissions(event, mode))):
            return Verdict.INVALID_TRAFFIC
        answer = (await self._line.ask(self._claim(event, mode))).decode()
        return Verdict.COUNTED if answer in ("free", "claimed") else Verdict(answer)

    def _too_late(self, event: Tracked) -> bool:
        """Whether the marks that tell a duplicate may be gone. What is uncertain is not billed."""
        if event.kind is EventKind.IMPRESSION:
            since_ms = min(event.offer.served_ms, event.received_ms)
        else:
            since_ms = event.received_ms
        return self._clock_ms() - since_ms > MARKS_KEPT_S * 1000

    def _claim(self, event: Tracked, mode: str) -> Command:
        name: str = event.kind
        kept_s = self._offer_kept_s
        if event.kind is EventKind.CONVERSION:
            name = f"{name}:{event.event_id.hex}"
        if event.kind in (EventKind.CLICK, EventKind.CONVERSION):
            kept_s = self._clicked_offer_kept_s
        return CLAIM.call(
            [redis_keys.offer(event.offer.offer_id)],
            *(mode, name, event.offer.line_item_id, event.received_ms, FOLLOWS[event.kind]),
            event.occurred_ms if event.kind is EventKind.CONVERSION else event.received_ms,
            *(self._windows_s[event.kind] * 1000, CLOCKS_DIFFER_S * 1000),
            *(self._clock_ms() - MARKS_KEPT_S * 1000, kept_s),
        )

    async def _counted(self, event: Tracked) -> Micros:
        """Past this line it counts; what is left cannot refuse."""
        commands = [self._charge(event)]
        if event.kind is EventKind.IMPRESSION and event.offer.user_key is not None:
            commands.append(_exposure(event))
        charged, *_ = await self._line.ask_all(commands)
        return Micros(charged)

    def _charge(self, event: Tracked) -> Command:
        offer = event.offer
        at = redis_keys.shard(offer.line_item_id)
        budget = self._budgets(offer.line_item_id)
        return CHARGE.call(
            [
                redis_keys.charge(at, event.event_id),
                redis_keys.spent_in_total(at),
                redis_keys.spent_on(at, event.budget_day),
                redis_keys.counted(at, event.kind),
            ],
            offer.line_item_id,
            offer.price_micros if event.kind is offer.billable else 0,
            "" if budget.daily_micros is None else budget.daily_micros,
            "" if budget.total_micros is None else budget.total_micros,
            *(MARKS_KEPT_S + CLOCKS_DIFFER_S, SPENT_DAY_KEPT_S),
        )


def _admissions(event: Tracked, mode: str) -> list[Command]:
    """Who clicked, by address and by user, as far as they are known."""
    if event.kind is not EventKind.CLICK:
        return []
    who = [redis_keys.clicks_of_address(event.address_key)] if event.address_key else []
    if event.offer.user_key is not None:
        who.append(redis_keys.clicks_of_user(event.offer.user_key))
    limits = [number for limit in CLICK_LIMITS for number in limit]
    asked = (mode, event.event_id.bytes, event.received_ms, DAY_S, CLICKS_KEPT)
    return [ADMIT_CLICK.call([key], *asked, *limits) for key in who]


def _exposure(event: Tracked) -> Command:
    user = event.offer.user_key
    assert user is not None
    second = event.received_ms // 1000
    return EXPOSE.call(
        [redis_keys.exposures(user), redis_keys.impressions_seen(user)],
        *(event.event_id.bytes, event.offer.line_item_id, second, second // 60, second // 3600),
        *(event.budget_day, EXPOSURES_KEPT_S, MARKS_KEPT_S + CLOCKS_DIFFER_S),
    )


def _doubt_key(event: Tracked, verdict: Verdict) -> bytes:
    """By event; but what an unsigned token says is not believed, so that one goes by sender."""
    if verdict is Verdict.BAD_SIGNATURE:
        return redis_keys.doubt_of_address(event.address_key, verdict)
    return redis_keys.doubt(event.event_id, verdict)
