"""The hourly sums: their tables, and the statements that make them from the events themselves.

Never here: which hours are stale (`stale_hours`), or what people ask (`adserver.reports`). The one
surprising fact: nothing is ever added to a sum. An hour is summed again as a whole, under a higher
run number, and the row of grain 0 that comes in the same block makes it the one that counts; so
copies, late rows and a crash in between cannot make a sum drift.
"""

from collections.abc import Sequence
from enum import IntEnum

from adserver.eventlog.binding import bind
from adserver.eventlog.schema import APP, FORMAT, PARTNER, PLACEMENT, Column, Table
from adserver.ports import EventStore

HOUR_MS = 3_600_000
_PART_BITS, _HOUR_BITS = 2, 20


class Part(IntEnum):
    """What of an hour is summed by itself, because it gets stale by itself."""

    SHOWN = 0
    CLICKED = 1
    CONVERTED = 2
    ASKED = 3


class Grain(IntEnum):
    """How finely an hour is divided; every grain adds up to the same. Small ones are read first.

    MADE is no division: its one row a part says which run counts.
    """

    MADE = 0
    LINE_ITEM = 1
    PLACEMENT = 2
    APP_REGION = 3
    ITEM_REGION = 4
    CREATIVE = 5


PARTS_OF = {
    "ads_served": (Part.SHOWN, Part.CLICKED, Part.CONVERTED),  # it knows the region of all three
    "impressions": (Part.SHOWN,),
    "viewables": (Part.SHOWN,),
    "clicks": (Part.CLICKED,),
    "conversions": (Part.CONVERTED,),
    "decisions": (Part.ASKED,),
}
"""Which parts of an hour get stale when rows of a table arrive."""

_ITEM = ("advertiser_id", "campaign_id", "line_item_id")
_SLOT = ("partner_id", "app_id", "placement_id", "format")
_REGION = ("country", "region")
COLUMNS_OF: dict[Grain, tuple[str, ...]] = {
    Grain.LINE_ITEM: _ITEM,
    Grain.PLACEMENT: _SLOT,
    Grain.APP_REGION: ("partner_id", "app_id", *_REGION),
    Grain.ITEM_REGION: (*_ITEM, *_REGION),
    Grain.CREATIVE: (*_ITEM, "creative_id", *_SLOT),
}
"""What a row of each grain tells; its other texts are empty."""
DIMENSIONS = (*_ITEM, "creative_id", *_SLOT, *_REGION)
FIGURES = ("served", "impressions", "viewables", "clicks", "conversions", "charged_micros")
REQUEST_DIMENSIONS = (*_SLOT, "no_ad_reason")
REQUEST_FIGURES = ("requests", "filled", "ads")

_HOUR = Column("hour", "UInt32", "The hour, counted from 1970 in UTC, in which the ad was served")
_GRAIN = Column("grain", "UInt8", "Which of the columns are told: see `Grain` in eventlog/sums.py")
_PART = Column("part", "UInt8", "What is summed by itself: 0 shown, 1 clicked, 2 converted")
_RUN = Column("run", "UInt64", "Which summing made the row; the highest of an hour and part counts")


def _text(name: str, meaning: str) -> Column:
    return Column(name, "String", meaning, repeats=True)


DELIVERY_SUMS = Table(
    "delivery_sums",
    "What became of the ads served in an hour: each event once, tests not at all.",
    (
        _HOUR,
        _GRAIN,
        _PART,
        _text("advertiser_id", "The advertiser, who pays"),
        _text("campaign_id", "The campaign of the line item"),
        _text("line_item_id", "What was bought"),
        _text("creative_id", "What was shown"),
        PARTNER,
        APP,
        PLACEMENT,
        FORMAT,
        _text("country", "Where the device was, as `ads_served` tells"),
        _text("region", "The region of that country"),
        Column("served", "UInt64", "Ads served"),
        Column("impressions", "UInt64", "Ads shown"),
        Column("viewables", "UInt64", "Ads seen long enough"),
        Column("clicks", "UInt64", "Clicks"),
        Column("conversions", "UInt64", "Conversions"),
        Column("charged_micros", "Int64", "What the advertiser is charged for all these"),
        _RUN,
    ),
    "hour",
    ("grain", *DIMENSIONS, "hour", "part"),
    money=True,
    newest="run",
)
REQUEST_SUMS = Table(
    "request_sums",
    "The ad requests of an hour and what came of them, tests not counted.",
    (
        Column("hour", "UInt32", "The hour, counted from 1970 in UTC, of the request"),
        Column("grain", "UInt8", "0 for the row that says which run counts, else 1"),
        Column("part", "UInt8", "Always 3"),
        PARTNER,
        APP,
        PLACEMENT,
        FORMAT,
        _text("no_ad_reason", "Why there was no ad; empty when there was one"),
        Column("requests", "UInt64", "Ad requests"),
        Column("filled", "UInt64", "Those answered with at least one ad"),
        Column("ads", "UInt64", "Ads in all answers"),
        _RUN,
    ),
    "hour",
    ("grain", *REQUEST_DIMENSIONS, "hour", "part"),
    money=True,
    newest="run",
)
SUM_TABLES = (DELIVERY_SUMS, REQUEST_SUMS)

# `day_at` is what the tables are partitioned by: with it the other days are not even looked at.
_IN_SPAN = """{at} >= %(since)s AND {at} < %(until)s
  AND day_at >= toDateTime(%(since_s)s, 'UTC') AND day_at < toDateTime(%(until_s)s, 'UTC')"""
_SERVED_THEN = _IN_SPAN.format(at="served_ms")

# Copies are the same to the byte, so any() of them is it. m1..m5 are the figures in their order,
# c0..c2 what was charged by part. Each level has names of its own: the oldest server would take
# one for the other.
_EVENTS = """
SELECT any(intDiv(served_ms, 3600000)) AS at, any(offer_id) AS offer, any(creative_id) AS ad,
       any(placement_id) AS slot, any(advertiser_id) AS payer, any(campaign_id) AS plan,
       any(line_item_id) AS item, any(partner_id) AS owner, any(app_id) AS asker,
       any(format) AS shape, {place}, {counts}
FROM {table} WHERE {in_span} AND test = 0{wanted}
GROUP BY event_id"""

# On a cluster the list is made once and sent to every node. Elsewhere GLOBAL says nothing.
_WANTED = """
  AND (offer_id, creative_id) GLOBAL IN (
    SELECT offer_id, creative_id FROM {table} WHERE {in_span} AND test = 0)"""

# The ad served tells its region to all that befell the same offer, whichever row came first.
_BY_OFFER = """
SELECT at, offer, ad, slot, any(payer) AS payers, any(plan) AS plans, any(item) AS items,
       any(owner) AS owners, any(asker) AS askers, any(shape) AS shapes,
       max(land) AS lands, max(area) AS areas, {sums}
FROM ({events})
GROUP BY at, offer, ad, slot"""

_BY_ALL = """
SELECT at, payers, plans, items, ad, owners, askers, slot, shapes, lands, areas, {sums}
FROM ({by_offer})
GROUP BY at, payers, plans, items, ad, owners, askers, slot, shapes, lands, areas"""

_BY_GRAIN = """
SELECT toUInt32(at) AS in_hour, fine, piece, {told},
       sum(if(piece = 0, z1, 0)), sum(if(piece = 0, z2, 0)), sum(if(piece = 0, z3, 0)),
       sum(if(piece = 1, z4, 0)), sum(if(piece = 2, z5, 0)),
       sum(if(piece = 0, y0, if(piece = 1, y1, y2))),
       toUInt64({run}) + piece * {a_part} + in_hour
FROM (SELECT *, arrayJoin({grains}) AS fine, arrayJoin({parts}) AS piece FROM ({by_all}))
WHERE (piece = 0 AND z1 + z2 + z3 > 0) OR (piece = 1 AND z4 > 0) OR (piece = 2 AND z5 > 0)
GROUP BY in_hour, fine, piece, {names}"""

_REQUESTS = """
SELECT toUInt32(at) AS in_hour, toUInt8(1), toUInt8(3), owner, asker, slot, shape, why,
       count(), sum(answered > 0), sum(answered),
       toUInt64({run}) + 3 * {a_part} + in_hour
FROM (SELECT any(intDiv(occurred_ms, 3600000)) AS at, any(partner_id) AS owner,
             any(app_id) AS asker, any(placement_id) AS slot, any(format) AS shape,
             any(no_ad_reason) AS why, any(ads) AS answered
      FROM decisions WHERE {in_span} AND test = 0
      GROUP BY event_id)
GROUP BY in_hour, owner, asker, slot, shape, why"""

_MADE = """
SELECT arrayJoin({hours}) AS in_hour, toUInt8(0), arrayJoin({parts}) AS piece, {nothing},
       toUInt64({run}) + piece * {a_part} + in_hour"""

_LOGGED = """
SELECT intDiv({at}, 3600000) AS at, count() AS logged FROM {table} GROUP BY at"""
_HOURS_MADE = "SELECT DISTINCT hour, part FROM {table} WHERE grain = 0"
_NEWEST = "SELECT max(run) AS newest FROM {table} WHERE grain = 0"

_TABLES_OF = {
    Part.SHOWN: {"impressions": "m2", "viewables": "m3"},
    Part.CLICKED: {"clicks": "m4"},
    Part.CONVERTED: {"conversions": "m5"},
}
_COUNTS = ("m1", "m2", "m3", "m4", "m5")
_CHARGES = ("c0", "c1", "c2")
_SAID_AS = {
    "advertiser_id": "payers", "campaign_id": "plans", "line_item_id": "items",
    "creative_id": "ad", "partner_id": "owners", "app_id": "askers", "placement_id": "slot",
    "format": "shapes", "country": "lands", "region": "areas",
}  # fmt: skip


def sum_hours(
    store: EventStore, first: int, hours: int, parts: Sequence[Part], made_ms: int
) -> None:
    """Sums `parts` of `hours` hours from the hour `first` on, and makes the new sums count.

    `made_ms` must be higher than that of any earlier call for these hours.

    Raises:
        StoreAwayError, StatementRefusedError: the old sums go on to count.
    """
    span = {"since": first * HOUR_MS, "until": (first + hours) * HOUR_MS}
    span |= {f"{name}_s": at // 1000 for name, at in span.items()}
    numbers = [*range(first, first + hours)]
    run = made_ms << (_PART_BITS + _HOUR_BITS)
    delivered = sorted({*parts} - {Part.ASKED})
    if delivered:
        store.execute(bind(_sum_delivery(numbers, delivered, run), span))
    if Part.ASKED in parts:
        store.execute(bind(_sum_requests(numbers, run), span))


def hours_in_log(store: EventStore) -> dict[tuple[int, Part], int]:
    """How many rows, copies included, the log has for each part of each hour (since 1970)."""
    rows: dict[tuple[int, Part], int] = {}
    for table, parts in PARTS_OF.items():
        at = "occurred_ms" if table == "decisions" else "served_ms"
        found = store.query(_LOGGED.format(table=table, at=at))
        for hour, logged in zip(found["at"], found["logged"], strict=True):
            for part in parts if table != "ads_served" else parts[:1]:
                rows[int(hour), part] = rows.get((int(hour), part), 0) + int(logged)
    return rows


def hours_made(store: EventStore) -> list[tuple[int, Part]]:
    """The parts of hours that have sums."""
    made = []
    for table in SUM_TABLES:
        found = store.query(_HOURS_MADE.format(table=table.name))
        for hour, part in zip(found["hour"], found["part"], strict=True):
            made.append((int(hour), Part(part)))
    return made


def newest_run_ms(store: EventStore) -> int:
    """The `made_ms` of the newest sums; 0 when there are none."""
    newest = (store.query(_NEWEST.format(table=table.name))["newest"] for table in SUM_TABLES)
    return max(made_at_ms(int(found[0] or 0)) for found in newest)


def made_at_ms(run: int) -> int:
    """When the sums of a run were made, Unix milliseconds."""
    return run >> (_PART_BITS + _HOUR_BITS)


def _sum_delivery(hours: Sequence[int], parts: Sequence[Part], run: int) -> str:
    events = "\nUNION ALL".join(_events(parts))
    sums = ", ".join(f"sum({name}) AS x{name}" for name in (*_COUNTS, *_CHARGES))
    again = [
        *(f"sum(xm{n}) AS z{n}" for n in range(1, 6)),
        *(f"sum(xc{n}) AS y{n}" for n in range(3)),
    ]
    by_offer = _BY_OFFER.format(events=events, sums=sums)
    shares = {
        "told": ", ".join(_told(name) for name in DIMENSIONS),
        "names": ", ".join(f"told_{name}" for name in DIMENSIONS),
        "grains": [int(grain) for grain in COLUMNS_OF],
        "parts": [int(part) for part in parts],
        "by_all": _BY_ALL.format(by_offer=by_offer, sums=", ".join(again)),
    }
    summed = _BY_GRAIN.format(run=run, a_part=1 << _HOUR_BITS, **shares)
    return _inserted(DELIVERY_SUMS, summed, _made(hours, parts, run, DIMENSIONS, FIGURES))


def _sum_requests(hours: Sequence[int], run: int) -> str:
    in_span = _IN_SPAN.format(at="occurred_ms")
    summed = _REQUESTS.format(in_span=in_span, run=run, a_part=1 << _HOUR_BITS)
    made = _made(hours, [Part.ASKED], run, REQUEST_DIMENSIONS, REQUEST_FIGURES)
    return _inserted(REQUEST_SUMS, summed, made)


def _inserted(table: Table, summed: str, made: str) -> str:
    """One statement, and so one block: the sums and the rows that make them count."""
    return f"INSERT INTO {table.name} ({', '.join(table.names)}) {summed}\nUNION ALL{made}"


def _made(
    hours: Sequence[int], parts: Sequence[Part], run: int, texts: Sequence[str], n: Sequence[str]
) -> str:
    nothing = ["''"] * len(texts) + [
        "toInt64(0)" if "micros" in name else "toUInt64(0)" for name in n
    ]
    return _MADE.format(
        hours=_numbers(hours, "toUInt32"),
        parts=_numbers(parts, "toUInt8"),
        nothing=", ".join(nothing),
        run=run,
        a_part=1 << _HOUR_BITS,
    )


def _numbers(numbers: Sequence[int], kind: str) -> str:
    return f"[{', '.join(f'{kind}({int(number)})' for number in numbers)}]"


def _events(parts: Sequence[Part]) -> list[str]:
    """The events of these parts, and the ads served, for what those alone know."""
    selects = []
    for part in parts:
        for table, count in _TABLES_OF[part].items():
            place = "'' AS land, '' AS area"
            counts = _counts({count}, f"c{part}")
            event = {"table": table, "place": place, "counts": counts, "wanted": ""}
            selects.append(_EVENTS.format(in_span=_SERVED_THEN, **event))
    shown = Part.SHOWN in parts
    place = "any(country) AS land, any(region) AS area"
    counts = _counts({"m1"} if shown else set(), "")
    tables = [table for part in parts for table in _TABLES_OF[part]]
    narrowed = [_WANTED.format(table=table, in_span=_SERVED_THEN) for table in tables]
    for wanted in [""] if shown else narrowed:
        event = {"table": "ads_served", "place": place, "counts": counts, "wanted": wanted}
        selects.append(_EVENTS.format(in_span=_SERVED_THEN, **event))
    return selects


def _counts(counted: set[str], charged: str) -> str:
    figures = [f"toUInt64({int(name in counted)}) AS {name}" for name in _COUNTS]
    charges = [
        f"{'any(charged_micros)' if name == charged else 'toInt64(0)'} AS {name}"
        for name in _CHARGES
    ]
    return ", ".join((*figures, *charges))


def _told(name: str) -> str:
    """What a grain tells of a dimension: its value, or nothing."""
    telling = [int(grain) for grain, columns in COLUMNS_OF.items() if name in columns]
    return f"if(fine IN {tuple(telling)}, {_SAID_AS[name]}, '') AS told_{name}".replace(",)", ")")
