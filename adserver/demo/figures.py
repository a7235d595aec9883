"""What a phase amounted to: the figures that the report compares, read from the event log.

Never here: asking strangers; the log is what an operator has. The one surprising fact: the hidden
click model's own expectation stands beside each observed count, because a thousand clicks are still
a lottery and an expectation is not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from adserver.ports import EventStore
from loadtest.books import Books
from models.domain.money import MICROS_PER_UNIT

PER_THOUSAND = 1_000


class Span(NamedTuple):
    """When ads were served, Unix milliseconds: `since_ms` included, `until_ms` not."""

    since_ms: int
    until_ms: int

    @property
    def parameters(self) -> dict[str, Any]:
        """As the queries want it."""
        return {"since": self.since_ms, "until": self.until_ms}


@dataclass(frozen=True, slots=True)
class Shown:
    """Counts of one format, or of all: `predicted` and `hidden` are sums of probabilities."""

    impressions: int = 0
    clicks: int = 0
    predicted: float = 0.0
    hidden: float = 0.0

    @property
    def ctr(self) -> float:
        """Observed clicks an impression."""
        return self.clicks / max(self.impressions, 1)

    @property
    def hidden_ctr(self) -> float:
        """The click rate without its luck."""
        return self.hidden / max(self.impressions, 1)

    @property
    def calibration(self) -> float:
        """Predicted over observed clicks: 1 is right, 2 promises twice what comes."""
        return self.predicted / max(self.clicks, 1)

    @property
    def hidden_calibration(self) -> float:
        """Predicted over truly expected clicks."""
        return self.predicted / max(self.hidden, 1e-9)


@dataclass(frozen=True, slots=True)
class PhaseFigures:
    """One phase of traffic. `revenue_micros` is what advertisers were charged."""

    name: str
    model: str
    requests: int
    filled: int
    ads: int
    conversions: int
    revenue_micros: int
    total: Shown
    by_format: Mapping[str, Shown]
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    refusals: Mapping[str, int] = field(default_factory=dict)
    funnel: Sequence[tuple[str, float]] = ()

    @property
    def fill_rate(self) -> float:
        """Requests answered with at least one ad."""
        return self.filled / max(self.requests, 1)

    @property
    def revenue_per_thousand(self) -> float:
        """Units of money for a thousand requests."""
        return self.revenue_micros / MICROS_PER_UNIT * PER_THOUSAND / max(self.requests, 1)

    def as_json(self) -> dict[str, Any]:
        """Everything above, derived figures too."""
        return asdict(self) | {
            "fill_rate": self.fill_rate,
            "revenue_per_1000_requests": self.revenue_per_thousand,
            "ctr": self.total.ctr,
            "hidden_ctr": self.total.hidden_ctr,
            "calibration": self.total.calibration,
            "calibration_against_hidden": self.total.hidden_calibration,
            "by_format": {
                name: asdict(shown) | {"ctr": shown.ctr, "calibration": shown.calibration}
                for name, shown in self.by_format.items()
            },
        }


SHOWN_SQL = """
SELECT format, count() AS impressions, sum(pctr) AS predicted
FROM (SELECT event_id, any(format) AS format, any(offer_id) AS offer, any(line_item_id) AS item
      FROM impressions WHERE served_ms >= %(since)s AND served_ms < %(until)s GROUP BY event_id)
     AS shown
ANY INNER JOIN
     (SELECT offer_id AS offer, line_item_id AS item, any(pctr) AS pctr
      FROM ads_served WHERE served_ms >= %(since)s AND served_ms < %(until)s
      GROUP BY offer_id, line_item_id) AS served
USING (offer, item) GROUP BY format"""

COUNTED_SQL = """
SELECT format, count() AS events, sum(charged) AS charged
FROM (SELECT event_id, any(format) AS format, any(charged_micros) AS charged
      FROM {table} WHERE served_ms >= %(since)s AND served_ms < %(until)s GROUP BY event_id)
GROUP BY format"""

FUNNEL_SQL = """
SELECT stage, sum(number) AS left
FROM (SELECT event_id, any(funnel_stages) AS stages, any(funnel_counts) AS counts
      FROM decisions WHERE occurred_ms >= %(since)s AND occurred_ms < %(until)s GROUP BY event_id)
ARRAY JOIN stages AS stage, counts AS number, arrayEnumerate(stages) AS place
GROUP BY stage ORDER BY min(place)"""


def read_figures(
    store: EventStore, name: str, model: str, span: Span, books: Books
) -> PhaseFigures:
    """The figures of one phase: counts and money from the log, the hidden truth from the books."""
    shown = _by_format(store.query(SHOWN_SQL, span.parameters))
    clicks, click_money = _counted(store, "clicks", span)
    conversions, conversion_money = _counted(store, "conversions", span)
    _, impression_money = _counted(store, "impressions", span)
    by_format = {
        format_: Shown(
            impressions=int(row["impressions"]),
            clicks=clicks.get(format_, 0),
            predicted=float(row["predicted"]),
            hidden=books.true_clicks[format_],
        )
        for format_, row in sorted(shown.items())
    }
    return PhaseFigures(
        name=name,
        model=model,
        requests=books.requests,
        filled=books.filled,
        ads=books.ads,
        conversions=sum(conversions.values()),
        revenue_micros=impression_money + click_money + conversion_money,
        total=summed(by_format.values()),
        by_format=by_format,
        latency_ms=books.percentiles(),
        refusals=dict(books.refusals.most_common()),
        funnel=_funnel(store, span, books.requests),
    )


def summed(parts: Iterable[Shown]) -> Shown:
    """All formats together."""
    parts = list(parts)
    return Shown(
        impressions=sum(part.impressions for part in parts),
        clicks=sum(part.clicks for part in parts),
        predicted=sum(part.predicted for part in parts),
        hidden=sum(part.hidden for part in parts),
    )


def _by_format(columns: dict[str, list[Any]]) -> dict[str, dict[str, Any]]:
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    return {row["format"]: row for row in (dict(zip(names, row, strict=True)) for row in rows)}


def _counted(store: EventStore, table: str, span: Span) -> tuple[dict[str, int], int]:
    """(events by format, money) of one table of tracked events."""
    rows = _by_format(store.query(COUNTED_SQL.format(table=table), span.parameters))
    events = {format_: int(row["events"]) for format_, row in rows.items()}
    return events, sum(int(row["charged"]) for row in rows.values())


def _funnel(store: EventStore, span: Span, requests: int) -> list[tuple[str, float]]:
    """Stage by stage, how many candidates were left in the mean request."""
    columns = store.query(FUNNEL_SQL, span.parameters)
    pairs = zip(columns["stage"], columns["left"], strict=True)
    return [(str(stage), float(left) / max(requests, 1)) for stage, left in pairs]
