"""The plots of an advertiser's pages, drawn from its figures.

Never here: the figures (`reporting`, `plan`). The one surprising fact: what is spent and what was
planned are summed up over the day, because two curves that should meet are easier to compare than
bars that should be equal.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from markupsafe import Markup

from adserver.console.advertisers.interval import wilson
from adserver.console.advertisers.plan import Planned, day_plan, flight_plan
from adserver.console.advertisers.reporting import Life
from adserver.console.web import plots
from adserver.console.web.language import N_
from adserver.console.web.plots import Frame
from adserver.reports.delivery import At, On
from models.domain.campaign import LineItem

HALF = 460
HOUR = timedelta(hours=1)
FEWEST_DAYS = 4
Say = Callable[[str], str]

SPENT = N_("Spent")
PLANNED = N_("Planned")


def spend_by_day(days: Sequence[On], currency: str, say: Say) -> Markup:
    """Bars of what was spent."""
    rows = [{"day": _short(on.day), "spent": on.figures.charged_micros} for on in days]
    frame = Frame(say(N_("Spent by day")), unit=f"micros:{currency}")
    return plots.bars(rows, "day", "spent", None, frame) if _any(days) else plots.NOTHING_DRAWN


def impressions_by_hour(hours: Sequence[At], now: datetime, say: Say) -> Markup:
    """A line of what was shown in each whole hour; the one that runs would look like a fall."""
    whole = [at for at in hours if at.at + HOUR <= now]
    rows = [{"at": at.at, "shown": at.figures.impressions} for at in whole]
    frame = Frame(say(N_("Impressions by hour")), width=HALF)
    return plots.line(rows, "at", "shown", None, frame) if _any(whole) else plots.NOTHING_DRAWN


def day_against_plan(
    item: LineItem, hours: Sequence[At], now: datetime, zone: ZoneInfo, currency: str, say: Say
) -> Markup:
    """Today's spend, hour by hour, against the even plan of the daily budget."""
    today = now.astimezone(zone).date()
    own = [at for at in hours if at.at.date() == today and at.at <= now]
    spent = list(accumulate(at.figures.charged_micros for at in own))
    rows = _planned_rows(day_plan(item, today, zone), say)
    rows += [
        {"at": at.at, "micros": micros, "of": say(SPENT)}
        for at, micros in zip(own, spent, strict=True)
    ]
    frame = Frame(
        say(N_("Today, hour by hour")),
        say(N_("What was spent by the end of each hour, and what the even plan wants by then.")),
        unit=f"micros:{currency}",
        width=HALF,
    )
    return plots.line(rows, "at", "micros", "of", frame)


def flight_against_plan(
    item: LineItem, life: Life, zone: ZoneInfo, currency: str, say: Say
) -> Markup:
    """What was spent since the flight began, against the total budget spread over it."""
    plan = flight_plan(item, zone)
    if not plan:
        return plots.NOTHING_DRAWN
    rows = [{"at": one.at.date(), "micros": one.micros, "of": say(PLANNED)} for one in plan]
    charged = (on.figures.charged_micros for on in life.days)
    _, *spent = accumulate(charged, initial=life.earlier.charged_micros)
    rows += [
        {"at": on.day, "micros": micros, "of": say(SPENT)}
        for on, micros in zip(life.days, spent, strict=True)
    ]
    frame = Frame(say(N_("The whole flight")), unit=f"micros:{currency}", width=HALF)
    return plots.line(rows, "at", "micros", "of", frame)


def click_rate_by_day(days: Sequence[On], say: Say) -> Markup:
    """The click rate with its 95 % interval, for days with impressions; nothing for a few days."""
    rates = [(on.day, wilson(on.figures.clicks, on.figures.impressions)) for on in days]
    rows = [
        {"day": day, "ctr": rate.seen, "low": rate.low, "high": rate.high}
        for day, rate in rates
        if rate is not None
    ]
    if len(rows) < FEWEST_DAYS:
        return plots.NOTHING_DRAWN
    frame = Frame(
        say(N_("Click rate by day")),
        say(N_("The band holds the true rate in nineteen of twenty cases.")),
        unit="percent",
        width=HALF,
    )
    return plots.band(rows, "day", "ctr", ("low", "high"), frame)


def _planned_rows(plan: Sequence[Planned], say: Say) -> list[dict[str, object]]:
    return [{"at": one.at, "micros": one.micros, "of": say(PLANNED)} for one in plan]


def _any(lines: Sequence[On] | Sequence[At]) -> bool:
    return any(line.figures.served or line.figures.charged_micros for line in lines)


def _short(day: date) -> str:
    return f"{day:%m-%d}"
