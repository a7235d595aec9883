"""What was delivered: ads served, shown, seen, clicked, converted, and what they cost.

    totals(store, scope, span) -> Figures
    by_hour(store, scope, span) -> [At(at, figures)]        every hour of the span, empty ones too
    by_day(store, scope, span) -> [On(day, figures)]        every local day of the span
    by(store, dimension, scope, span) -> [Of(key, figures)] most charged first
    daily(store, dimension, scope, span) -> {key: [On(day, figures)]}

`scope` is a `Scope`: all that is named must hold, `EVERYTHING` is the whole house. `span` is a
`Span(since, until, zone)`, `Span.of_days(...)` or `Span.last_days(days, now, zone)`. `dimension` is
a `Dimension`; a region's key is "chn/bj", an hour's of the day "00" to "23".

Read from the hourly sums, so what happened a few seconds ago may be missing. Never here: money that
is settled (`accounting`). The one surprising fact: everything is told by the hour in which its ad
was *served*, so a click at 13:01 on an ad of 12:59 belongs to 12:00, and its hour may still grow
tomorrow.

All raise `StoreAwayError`, and `StatementRefusedError` while the tables are not there yet.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from adserver.eventlog.sums import COLUMNS_OF, FIGURES, Grain, made_at_ms
from adserver.ports import EventStore
from adserver.reports.span import Span
from models.domain.ids import (
    AdvertiserId,
    AppId,
    CampaignId,
    CreativeId,
    LineItemId,
    PartnerId,
    PlacementId,
)
from models.domain.money import NO_MONEY, Micros

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose delivery: all that is not None must hold. The house's own apps have partner ""."""

    advertiser_id: AdvertiserId | None = None
    campaign_id: CampaignId | None = None
    line_item_id: LineItemId | None = None
    creative_id: CreativeId | None = None
    partner_id: PartnerId | None = None
    app_id: AppId | None = None
    placement_id: PlacementId | None = None

    def named(self) -> dict[str, str]:
        """What is named, by column."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


EVERYTHING = Scope()


class Dimension(StrEnum):
    """By what delivery is divided."""

    ADVERTISER = "advertiser_id"
    CAMPAIGN = "campaign_id"
    LINE_ITEM = "line_item_id"
    CREATIVE = "creative_id"
    PARTNER = "partner_id"
    APP = "app_id"
    PLACEMENT = "placement_id"
    FORMAT = "format"
    REGION = "region"
    HOUR_OF_DAY = "hour"


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, each event once, and what the advertiser is charged for them."""

    served: int = 0
    impressions: int = 0
    viewables: int = 0
    clicks: int = 0
    conversions: int = 0
    charged_micros: Micros = NO_MONEY

    def __add__(self, other: "Figures") -> "Figures":
        """The figures of both."""
        return Figures(*(getattr(self, name) + getattr(other, name) for name in FIGURES))

    @property
    def ctr_ppm(self) -> int | None:
        """Clicks for a million impressions; None without any impression."""
        return self.clicks * PPM // self.impressions if self.impressions else None

    @property
    def viewability_ppm(self) -> int | None:
        """Viewable impressions of a million; None without any impression."""
        return self.viewables * PPM // self.impressions if self.impressions else None

    @property
    def ecpm_micros(self) -> Micros | None:
        """What a thousand impressions cost; None without any impression."""
        return Micros(self.charged_micros * 1000 // self.impressions) if self.impressions else None


class At(NamedTuple):
    """The figures of the hour that begins at `at`, in the span's zone."""

    at: datetime
    figures: Figures


class On(NamedTuple):
    """The figures of a local day."""

    day: date
    figures: Figures


class Of(NamedTuple):
    """The figures of one value of a dimension."""

    key: str
    figures: Figures


def totals(store: EventStore, scope: Scope, span: Span) -> Figures:
    """All of it in one."""
    return _summed(figures for _, _, figures in _asked(store, (), scope, span))


def by_hour(store: EventStore, scope: Scope, span: Span) -> list[At]:
    """Hour by hour, none left out."""
    found = {hour: figures for _, hour, figures in _asked(store, ("hour",), scope, span)}
    hours = range(span.first_hour, span.end_hour)
    return [At(span.local(hour), found.get(hour, Figures())) for hour in hours]


def by_day(store: EventStore, scope: Scope, span: Span) -> list[On]:
    """Day by day of the span's zone, none left out."""
    return _days((at for at in _asked(store, ("hour",), scope, span)), span)


def by(store: EventStore, dimension: Dimension, scope: Scope, span: Span) -> list[Of]:
    """Divided by a dimension, the most charged first, then the most shown.

    Raises:
        ValueError: a region and a placement or creative at once, which no sum tells.
    """
    found: dict[str, Figures] = {}
    for key, hour, figures in _asked(store, _columns(dimension), scope, span):
        name = f"{span.local(hour).hour:02d}" if dimension is Dimension.HOUR_OF_DAY else key
        found[name] = found.get(name, Figures()) + figures
    return sorted((Of(*pair) for pair in found.items()), key=_most_charged_first)


def daily(store: EventStore, dimension: Dimension, scope: Scope, span: Span) -> dict[str, list[On]]:
    """Day by day for each value of a dimension; raises like `by`."""
    found: dict[str, list[tuple[str, int, Figures]]] = {}
    for line in _asked(store, (*_columns(dimension), "hour"), scope, span):
        found.setdefault(line[0], []).append(line)
    return {key: _days(lines, span) for key, lines in sorted(found.items())}


def summed_until(store: EventStore, span: Span) -> datetime | None:
    """When the newest sums of the span were made; None when there are none."""
    found = store.query(_MADE, {"first": span.first_hour, "end": span.end_hour})
    newest = int(found["newest"][0] or 0)
    return datetime.fromtimestamp(made_at_ms(newest) / 1000, UTC) if newest else None


# Which run of an hour and part counts: the newest. Old rows stay until the engine merges them.
_SUMS = """
SELECT {keys}{sums} FROM delivery_sums
WHERE grain = {grain} AND hour >= %(first)s AND hour < %(end)s{scope}
  AND run GLOBAL IN (SELECT max(run) FROM delivery_sums
                     WHERE grain = 0 AND hour >= %(first)s AND hour < %(end)s GROUP BY hour, part)
{grouped}"""

_MADE = """
SELECT max(run) AS newest FROM delivery_sums
WHERE grain = 0 AND hour >= %(first)s AND hour < %(end)s"""


def statement(columns: tuple[str, ...], scope: Scope) -> str:
    """The SQL that sums by columns.

    Raises:
        ValueError: no grain tells them all.
    """
    named = scope.named()
    keys = ", ".join(columns)
    return _SUMS.format(
        keys=f"{keys}, " if keys else "",
        sums=", ".join(f"sum({name}) AS sum_{name}" for name in FIGURES),
        grain=int(grain_of({*columns, *named} - {"hour"})),
        scope="".join(f" AND {name} = %({name})s" for name in named),
        grouped=f"GROUP BY {keys}" if keys else "",
    )


def grain_of(columns: set[str]) -> Grain:
    """The smallest grain that tells all these columns.

    Raises:
        ValueError: none does.
    """
    for grain, told in COLUMNS_OF.items():
        if columns <= {*told}:
            return grain
    raise ValueError(f"no sum tells {', '.join(sorted(columns))} at once")


def _columns(dimension: Dimension) -> tuple[str, ...]:
    return ("country", "region") if dimension is Dimension.REGION else (dimension.value,)


def _asked(
    store: EventStore, columns: tuple[str, ...], scope: Scope, span: Span
) -> list[tuple[str, int, Figures]]:
    """(key, hour, figures); what was not asked for is "" and 0."""
    bounds: Mapping[str, Any] = {"first": span.first_hour, "end": span.end_hour}
    found = store.query(statement(columns, scope), {**bounds, **scope.named()})
    lines = []
    for values in zip(*found.values(), strict=True):
        told = dict(zip(columns, values, strict=False))
        hour = int(told.pop("hour", 0))
        key = "/".join(told.values()).rstrip("/")
        lines.append((key, hour, _figures(values[len(columns) :])))
    return lines


def _figures(values: Sequence[Any]) -> Figures:
    *counts, charged = (int(value or 0) for value in values)
    served, impressions, viewables, clicks, conversions = counts
    return Figures(served, impressions, viewables, clicks, conversions, Micros(charged))


def _days(lines: Iterable[tuple[str, int, Figures]], span: Span) -> list[On]:
    found = dict.fromkeys(span.days(), Figures())
    for _, hour, figures in lines:
        found[span.local(hour).date()] += figures
    return [On(*pair) for pair in found.items()]


def _summed(several: Iterable[Figures]) -> Figures:
    return sum(several, Figures())


def _most_charged_first(line: Of) -> tuple[int, int, str]:
    return -line.figures.charged_micros, -line.figures.impressions, line.key
