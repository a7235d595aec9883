"""The event tables, column by column, with what each column means.

Docs/events.md is written from this page.

Never here: SQL (that is `ddl`) or values (that is `rows`). The one surprising fact: a table is
partitioned by the day on which the ad was *served*, because that day is in the signed token and so
the same for every copy of an event; copies always meet in one partition, however late they arrive.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its type as the oldest server spells it, and what it means.

    The kind "Bytes" is a String that is not text. `repeats` says that few different texts occur,
    which newer servers store as a dictionary.
    """

    name: str
    kind: str
    meaning: str
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `day_of` is the millisecond column whose UTC day is the partition.

    Of sums, `day_of` counts hours and 720 of them are a partition; `newest` is the column by
    which the newest of several rows with one key is known ("": such rows are copies).

    Columns are only ever added at the end: rows already waiting in an outbox get the default there.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    day_of: str
    order: tuple[str, ...]
    money: bool
    newest: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in the order in which `rows` writes the values."""
        return tuple(column.name for column in self.columns)


def _word(name: str, meaning: str) -> Column:
    return Column(name, "String", meaning, repeats=True)


EVENT_ID = Column(
    "event_id",
    "UUID",
    "Derived from what caused the event: copies have the same id, readers drop them",
)
OCCURRED = Column("occurred_ms", "UInt64", "When it happened, Unix milliseconds")
RECEIVED = Column("received_ms", "UInt64", "When a worker received it, Unix milliseconds")
APP = _word("app_id", "The app that asked for the ad")
PARTNER = _word("partner_id", "The partner who owns the app; empty when it is the house's own")
PLACEMENT = _word("placement_id", "The slot in the app")
FORMAT = _word("format", "The slot's format: splash, banner, native, interstitial, rewarded_video")
SNAPSHOT = _word("snapshot_version", "The Snapshot that decided")
MODEL = _word("model_version", "The click model that scored; empty for the smoothed prior")
TEST = Column("test", "UInt8", "1 for a test request, which is never billed or trained on")
OPTED_OUT = "nothing when the user opted out"
PLACE = (
    _word("country", "Where the device was: ISO 3166 alpha-3 in lower case; empty when unknown"),
    _word("region", "The region of that country, in lower case"),
    _word("city", "The city, in lower case"),
    _word("os", "The device's system, in lower case"),
    Column("device_type", "UInt8", "OpenRTB's device type; 0 when unknown"),
    Column("connection", "UInt8", "OpenRTB's connection type; 0 when unknown"),
)
PERSON = (
    _word("gender", f"f, m or o, of request or profile; empty when unknown; {OPTED_OUT}"),
    Column("age", "UInt8", f"In years, of request or profile; 0 when unknown; {OPTED_OUT}"),
)

OFFER = (
    EVENT_ID,
    OCCURRED,
    RECEIVED,
    APP,
    PARTNER,
    PLACEMENT,
    FORMAT,
    Column(
        "offer_id", "UUID", "The position in the answer: derived from app, request and position"
    ),
    Column(
        "served_ms",
        "UInt64",
        "When the ad was served, Unix milliseconds; its UTC day is the partition",
    ),
    _word("advertiser_id", "The advertiser, who pays"),
    _word("campaign_id", "The campaign of the line item"),
    _word("line_item_id", "What was bought"),
    _word("creative_id", "What was shown"),
    _word("pricing", "The pricing model: cpm, cpc, cpa or cps"),
    Column("price_micros", "Int64", "What one billable event costs"),
    Column("reserved_micros", "Int64", "What the budget set aside for it when it was served"),
    Column(
        "utc_offset_s", "Int32", "The advertiser's UTC offset when served; it fixes the budget day"
    ),
    Column("user_key", "UInt64", "A keyed hash of the user's id; 0 when the request named no user"),
    TEST,
)

TRACKED = (
    *OFFER,
    Column("address_key", "UInt64", "A keyed hash of the sender's address; 0 when unknown"),
    Column("value_micros", "Int64", "What the buyer paid (conversions only)"),
    Column(
        "charged_micros", "Int64", "What the advertiser is charged for it, never beyond a budget"
    ),
    Column(
        "detail",
        "String",
        "A note of the door: the conversion's id and event, or what was doubtful",
    ),
)

SERVED = (
    *OFFER,
    Column("request_id", "String", "The app's own id of the request"),
    Column("position", "UInt8", "The position in the answer, from 0"),
    Column("bid_micros", "Int64", "The line item's bid in its own pricing unit"),
    Column("ecpm_micros", "Int64", "What a thousand impressions were expected to bring"),
    Column("pctr", "Float64", "The predicted probability of a click"),
    Column("pcvr", "Float64", "The predicted probability of a conversion after a click"),
    Column("propensity", "Float64", "The probability with which this ad was shown here"),
    Column(
        "features",
        "Bytes",
        "What the model saw: little-endian float64, one per slot of the schema",
    ),
    _word("schema_hash", "Which feature schema made `features`"),
    SNAPSHOT,
    MODEL,
    *PLACE,
    *PERSON,
)

DECIDED = (
    EVENT_ID,
    OCCURRED,
    RECEIVED,
    APP,
    PARTNER,
    PLACEMENT,
    FORMAT,
    Column("request_id", "String", "The app's own id of the request"),
    Column("ads", "UInt8", "How many ads were answered; 0 is a no-fill"),
    _word("no_ad_reason", "Why there was no ad; empty when there was one"),
    Column("funnel_stages", "Array(String)", "The stages of the decision, in order"),
    Column("funnel_counts", "Array(UInt32)", "How many candidates each of those stages left"),
    Column("rejected_reasons", "Array(String)", "Why candidates left the slate"),
    Column("rejected_counts", "Array(UInt32)", "How many left for each of those reasons"),
    Column("latency_us", "UInt32", "From the parsed request to the decision, microseconds"),
    SNAPSHOT,
    MODEL,
    _word("experiment_arms", "The experiment arms that applied"),
    Column("user_known", "UInt8", "1 when the request named a user"),
    Column("profile_loaded", "UInt8", "1 when the user store answered in time"),
    TEST,
    *PLACE,
    _word("os_version", "The device's system version, as the app said it, in lower case"),
    _word("make", "The device's maker, in lower case"),
    _word("carrier", "The network's operator, in lower case"),
    _word("language", "The device's language, in lower case"),
    Column("personalized", "UInt8", "0 when the user opted out of personalisation"),
    *PERSON,
    Column("interests", "Array(String)", f"Segment ids of request and profile; {OPTED_OUT}"),
    Column("user_key", "UInt64", f"A keyed hash of the user's id; 0 when unknown; {OPTED_OUT}"),
    Column("floor_micros", "Int64", "The placement's floor then: micros for 1,000 impressions"),
    Column("top_ecpm_micros", "Int64", "The eCPM of the answer's first ad; 0 for a no-fill"),
    _word("worker", "The serving worker that answered"),
)

CENSUS = (
    EVENT_ID,
    Column("occurred_ms", "UInt64", "The minute that was sampled, Unix milliseconds"),
    PLACEMENT,
    _word("line_item_id", "The line item that left the slate, or won"),
    _word("reason", "Why it left; `won` when it was shown"),
    Column("requests", "UInt32", "In how many sampled requests of that minute"),
)

SUSPECT = (
    *TRACKED,
    _word("kind", "What it claimed to be: impression, viewable, click or conversion"),
    _word(
        "verdict",
        "Why it does not count: expired, bad_signature, no_impression, invalid_traffic, ...",
    ),
)

LINK_CLICK = (
    EVENT_ID,
    OCCURRED,
    RECEIVED,
    _word("partner_id", "The partner whose link it is, who may earn"),
    _word("merchant_id", "The merchant it led to"),
    Column("sku", "String", "The product it led to; empty for the merchant's shop"),
    Column("link_code", "String", "The code that was clicked, short or plain"),
    *(Column(f"sub{n}", "String", f"The partner's own note, number {n}") for n in range(1, 6)),
    Column("customer_ref", "String", "The merchant's hash of the customer; empty when nobody said"),
    Column("address_key", "UInt64", "A keyed hash of the sender's address; 0 when unknown"),
    _word("invalid", "Why it must not earn: crawler, data_centre; empty for an honest click"),
    _word("source", "The file it was imported from; empty for a click that we answered"),
)

HOUSE_EVENT = (
    EVENT_ID,
    OCCURRED,
    RECEIVED,
    APP,
    PARTNER,
    PLACEMENT,
    FORMAT,
    _word("house_ad_id", "The app's own ad"),
    _word("kind", "What happened: impression, viewable or click"),
)

_BY_LINE_ITEM = ("line_item_id", "served_ms", "event_id")


def _tracked(name: str, meaning: str) -> Table:
    return Table(name, meaning, TRACKED, "served_ms", _BY_LINE_ITEM, money=True)


TABLES: tuple[Table, ...] = (
    Table(
        "decisions",
        "One row for each ad request, no-fill included. Statistics: dropped when a queue is full.",
        DECIDED,
        "occurred_ms",
        ("placement_id", "occurred_ms", "event_id"),
        money=False,
    ),
    Table(
        "ads_served",
        "One row for each ad in an answer, with what the model saw. Dropped when a queue is full.",
        SERVED,
        "served_ms",
        _BY_LINE_ITEM,
        money=False,
    ),
    _tracked("impressions", "Ads that were shown, each counted once."),
    _tracked("viewables", "Impressions that were seen long enough, each counted once."),
    _tracked("clicks", "Taps that led to the landing page, each counted once."),
    _tracked("conversions", "What buyers did after a click, as advertisers reported it."),
    Table(
        "suspects",
        "Refused or doubtful events with their reason: kept, not billed, not trained on.",
        SUSPECT,
        "received_ms",  # old tokens may be replayed, and must not spread one insert over days
        ("verdict", "received_ms", "event_id"),
        money=False,
    ),
    Table(
        "census",
        "Sampled requests, summed up: why each line item left the slate.",
        CENSUS,
        "occurred_ms",
        ("line_item_id", "occurred_ms", "event_id"),
        money=False,
    ),
    Table(
        "link_clicks",
        "Clicks on affiliate links, on disk before the shopper is sent on.",
        LINK_CLICK,
        "received_ms",  # a log of years may be imported, and must not spread one insert over days
        ("customer_ref", "occurred_ms", "event_id"),
        money=True,
    ),
    Table(
        "house_events",
        "What befell apps' own ads, which are shown free where the auction had none.",
        HOUSE_EVENT,
        "received_ms",
        ("app_id", "received_ms", "event_id"),
        money=False,
    ),
)

BY_NAME = {table.name: table for table in TABLES}
