"""Weeks of events put straight into chDB: the engine makes the rows itself, out of numbers.

Never here: measuring. The one surprising fact: chance is a hash of the row's number, so an
impression and its click agree about everything although they are made by two statements.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from adserver.ports import EventStore

LINE_ITEMS, CREATIVES, ADVERTISERS, CAMPAIGNS = 400, 2, 40, 120
PLACEMENTS, APPS, PARTNERS, REGIONS = 60, 20, 12, 34
DAY_MS = 86_400_000
TABLES = ("ads_served", "impressions", "viewables", "clicks", "conversions", "decisions")
# Of the ads served: the share that got so far, how much later, what it cost.
FOLLOWED = {
    "impressions": (0.9, 900, 20_000),
    "viewables": (0.6, 2_000, 0),
    "clicks": (0.02, 5_000, 0),
    "conversions": (0.001, 3_600_000, 0),
}

# Squares make the first line items and regions busier than the last, as they are in life.
_NUMBERS = """
  SELECT number AS n, murmurHash3_64(n) AS h0, murmurHash3_64(h0) AS h1, murmurHash3_64(h1) AS h2,
         murmurHash3_64(h2) AS h3, murmurHash3_64(h3) AS h4, murmurHash3_64(h4) AS h5,
         {since} + intDiv(n * {span_ms}, {rows}) AS at,
         toUInt32(floor(pow(h1 % 1000000 / 1000000, 2) * {line_items})) AS item,
         (item * 7 + h2 % 8) % {placements} AS slot, slot % {apps} AS app,
         toUInt8(floor(pow(h3 % 1000 / 1000, 2) * {regions})) AS area,
         (h0 % 1000000) / 1000000 AS luck
  FROM numbers({first}, {many}) WHERE luck < {share}"""

_TURNS = "SELECT *, arrayJoin(if(h4 % 2 = 0, [0, 1], [0])) AS turn FROM ({rows})"

_SLOT = {
    "app_id": "concat('app_', toString(app))",
    "partner_id": f"concat('partner_', toString(app % {PARTNERS}))",
    "placement_id": "concat('pl_', toString(slot))",
    "format": "['splash', 'banner', 'native'][slot % 3 + 1]",
}
_PLACE = {
    "country": "'chn'",
    "region": "concat('r', toString(area))",
    "os": "'android'",
    "device_type": "4",
}
_OFFER = _SLOT | {
    "offer_id": "reinterpretAsUUID(murmurHash3_128(concat('offer', toString(n))))",
    "served_ms": "at",
    "advertiser_id": f"concat('adv_', toString(item % {ADVERTISERS}))",
    "campaign_id": f"concat('cmp_', toString(item % {CAMPAIGNS}))",
    "line_item_id": "concat('li_', toString(item))",
    "creative_id": f"concat('cr_', toString(item), '_', toString(h4 % {CREATIVES}))",
    "pricing": "'cpm'",
    "price_micros": "20000",
    "reserved_micros": "20000",
    "utc_offset_s": "28800",
    "user_key": "h5 % 3000000",
}
_SERVED = (
    _OFFER
    | _PLACE
    | {
        "bid_micros": "20000000",
        "ecpm_micros": "18000000",
        "pctr": "0.02",
        "propensity": "0.5",
    }
)
_ASKED = (
    _SLOT
    | _PLACE
    | {
        "ads": "turn = 0",
        "no_ad_reason": "if(turn = 0, '', ['floor', 'pacing', 'targeting'][h4 % 3 + 1])",
        "latency_us": "toUInt32(100 + h5 % 400)",
        "user_known": "1",
        "personalized": "1",
        "gender": "['f', 'm', ''][h1 % 3 + 1]",
        "age": "18 + h2 % 50",
        "interests": "[toString(h1 % 40), toString(h2 % 40)]",
        "user_key": "h5 % 3000000",
        "top_ecpm_micros": "18000000 * (turn = 0)",
        "worker": "'w0'",
    }
)


@dataclass(frozen=True, slots=True)
class Weeks:
    """`served` ads spread evenly over the `days` before `until`."""

    served: int
    days: int
    until: datetime

    @property
    def since_ms(self) -> int:
        """Where they begin, Unix milliseconds."""
        return int(self.until.timestamp() * 1000) - self.days * DAY_MS


def fill(store: EventStore, weeks: Weeks) -> dict[str, int]:
    """Fills all tables, a day at a time; answers how many rows each has."""
    for day in range(weeks.days):
        first = weeks.served * day // weeks.days
        many = weeks.served * (day + 1) // weeks.days - first
        for statement in _of_a_day(weeks, first, many):
            store.execute(statement)
    counted = "SELECT count() AS rows FROM {table}"
    return {table: store.query(counted.format(table=table))["rows"][0] for table in TABLES}


def _of_a_day(weeks: Weeks, first: int, many: int) -> Iterator[str]:
    """One and a half requests for every ad served; a third of the requests found none."""
    for table, (share, late_ms, charged) in FOLLOWED.items():
        rows = _numbers(weeks, (first, many), share)
        columns = _event(table, late_ms) | _OFFER | {"charged_micros": str(charged)}
        yield _insert(table, columns, rows)
    rows = _numbers(weeks, (first, many), 1)
    yield _insert("ads_served", _event("served", 0) | _SERVED, rows)
    asked = _event("asked', toString(turn), '", 0) | _ASKED
    yield _insert("decisions", asked, _TURNS.format(rows=rows))


def _event(kind: str, late_ms: int) -> dict[str, str]:
    return {
        "event_id": f"reinterpretAsUUID(murmurHash3_128(concat('{kind}', toString(n))))",
        "occurred_ms": f"at + {late_ms}",
        "received_ms": f"at + {late_ms}",
    }


def _insert(table: str, columns: Mapping[str, str], rows: str) -> str:
    expressions = ", ".join(columns.values())
    into = "INSERT INTO {table} ({names}) SELECT {expressions} FROM ({rows})"
    return into.format(table=table, names=", ".join(columns), expressions=expressions, rows=rows)


def _numbers(weeks: Weeks, numbers: tuple[int, int], share: float) -> str:
    first, many = numbers
    return _NUMBERS.format(
        since=weeks.since_ms, span_ms=weeks.days * DAY_MS, rows=weeks.served, first=first,
        many=many, share=share, line_items=LINE_ITEMS, placements=PLACEMENTS, apps=APPS,
        regions=REGIONS,
    )  # fmt: skip
