"""Holds three books against each other: what strangers sent, what the log holds, what Redis spent.

Never here: a tolerance. Counts are equal to the event and money to the micro, or the check fails.
The one surprising fact: the invoice is computed anew from the prices in the log, without looking at
what was charged; only a budget's end may cut it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adserver.ports import EventStore
from models.domain.campaign import LineItem, PricingModel
from models.domain.event import BILLABLE_EVENT, EventKind

TABLES = {
    EventKind.IMPRESSION: "impressions",
    EventKind.VIEWABLE: "viewables",
    EventKind.CLICK: "clicks",
    EventKind.CONVERSION: "conversions",
}
SERVED = "served"
SHOWN_DIFFERENCES = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold; `detail` shows both sides."""

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class LogBooks:
    """What the event log says of everything, copies dropped.

    `counted` and `doubted` are events by kind; `per_item` events by kind and line item; `charged`
    is money by line item; `invoiced` the same from prices alone, before any budget's end, by line
    item and local day.
    """

    counted: Mapping[str, int]
    doubted: Mapping[str, int]
    per_item: Mapping[tuple[str, str], int]
    charged: Mapping[str, int]
    invoiced: Mapping[tuple[str, int], int]

    @property
    def served(self) -> int:
        """Ads in all answers; a retried request's other ad counts too."""
        return sum(ads for (kind, _), ads in self.per_item.items() if kind == SERVED)

    def received(self, kind: str) -> int:
        """Events of a kind that came in, whatever their verdict."""
        return self.counted.get(kind, 0) + self.doubted.get(kind, 0)


SERVED_SQL = """
SELECT line_item_id, count() AS events FROM
(SELECT offer_id, line_item_id FROM ads_served GROUP BY offer_id, line_item_id)
GROUP BY line_item_id"""

EVENTS_SQL = """
SELECT item, price_model, day, count() AS events, sum(price) AS prices, sum(charge) AS charged
FROM (SELECT event_id, any(line_item_id) AS item, any(pricing) AS price_model,
             any(price_micros) AS price, any(charged_micros) AS charge,
             any(intDiv(toInt64(intDiv(served_ms, 1000)) + utc_offset_s, 86400)) AS day
      FROM {table} WHERE test = 0 GROUP BY event_id)
GROUP BY item, price_model, day"""

SUSPECTS_SQL = """
SELECT kind, count() AS events FROM
(SELECT event_id, any(kind) AS kind FROM suspects GROUP BY event_id) GROUP BY kind"""


def read_log(store: EventStore) -> LogBooks:
    """Counts and money of the whole log."""
    counted: Counter[str] = Counter()
    per_item: Counter[tuple[str, str]] = Counter()
    charged: Counter[str] = Counter()
    invoiced: defaultdict[tuple[str, int], int] = defaultdict(int)
    for row in _rows(store.query(SERVED_SQL)):
        per_item[SERVED, row["line_item_id"]] += int(row["events"])
    for kind, table in TABLES.items():
        for row in _rows(store.query(EVENTS_SQL.format(table=table))):
            counted[kind] += int(row["events"])
            per_item[kind, row["item"]] += int(row["events"])
            charged[row["item"]] += int(row["charged"])
            if BILLABLE_EVENT.get(PricingModel(row["price_model"])) is kind:
                invoiced[row["item"], int(row["day"])] += int(row["prices"])
    doubted = {row["kind"]: int(row["events"]) for row in _rows(store.query(SUSPECTS_SQL))}
    return LogBooks(counted, doubted, per_item, charged, invoiced)


def invoice(log: LogBooks, line_items: Iterable[LineItem]) -> dict[str, int]:
    """What each line item owes: its prices in the log, cut at its daily and total budgets."""
    days: defaultdict[str, list[int]] = defaultdict(list)
    budgets: dict[str, LineItem] = {item.line_item_id: item for item in line_items}
    for (item, _), micros in sorted(log.invoiced.items()):
        daily = budgets[item].daily_budget_micros
        days[item].append(micros if daily is None else min(micros, daily))
    owed = {}
    for item, amounts in days.items():
        total = budgets[item].total_budget_micros
        owed[item] = sum(amounts) if total is None else min(sum(amounts), total)
    return owed


def checks(
    sent: Mapping[str, int], log: LogBooks, spent: Mapping[str, int], owed: Mapping[str, int]
) -> list[Check]:
    """Every reconciliation: beacons `sent` by kind; `spent` in Redis and `owed`, by line item."""
    received = {kind: log.received(kind) for kind in TABLES}
    reported = {kind: sent.get(kind, 0) for kind in TABLES}
    return [
        equal("beacons sent = log counted + suspect", reported, received),
        _ordered(log, SERVED, EventKind.IMPRESSION),
        _ordered(log, EventKind.IMPRESSION, EventKind.CLICK),
        equal("log = Redis, by line item, micros", log.charged, spent),
        equal("log = invoice from prices, by line item, micros", log.charged, owed),
    ]


def _ordered(log: LogBooks, more: str, less: str) -> Check:
    """`more` events are at least as many as `less` events, for every line item."""
    per_item = log.per_item
    items = sorted({item for _, item in per_item})
    wrong = [
        item for item in items if per_item.get((more, item), 0) < per_item.get((less, item), 0)
    ]
    sums = [sum(per_item.get((kind, item), 0) for item in items) for kind in (more, less)]
    detail = f"{sums[0]:,} >= {sums[1]:,}"
    if wrong:
        detail += f"; not for {', '.join(wrong[:SHOWN_DIFFERENCES])}"
    return Check(f"{more} >= {less}, for every line item", not wrong, detail)


def equal(name: str, left: Mapping[Any, int], right: Mapping[Any, int]) -> Check:
    """Equality entry by entry; a missing entry is 0."""
    keys = sorted({*left, *right})
    different = [key for key in keys if left.get(key, 0) != right.get(key, 0)]
    detail = f"{sum(left.values()):,} = {sum(right.values()):,}"
    if different:
        shown = different[:SHOWN_DIFFERENCES]
        detail = "; ".join(
            f"{key}: {left.get(key, 0):,} and {right.get(key, 0):,}" for key in shown
        )
        detail += f" ({len(different)} differ)"
    return Check(name, not different, detail)


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
