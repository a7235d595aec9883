"""A partner's five figures and the bridge that leads from the first told to what is payable.

Never here: layout. The one surprising fact: the bridge of open months is the same computation as a
statement's (`affiliate.statement.bridge`), over the ledger's entries since the last closing; so it
sums exactly, and is what a closing would say if it came now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from adserver.accounting.ad_shares import Claim, claims_of_day
from adserver.console.desk import Desk
from adserver.eventlog.partner_day import cells_so_far
from adserver.ports import StoreAwayError
from adserver.stores import database, earnings, partners, payouts, settlement, statements
from adserver.stores.earnings import Holding, Span, Sum
from adserver.stores.ledger_rows import head_of
from adserver.stores.revenue import ShareRow
from affiliate import calendar
from affiliate.ad_revenue import Cell, DayRevenue, begin_of_day, day_of, end_of_day
from affiliate.calendar import Period, period_of, shifted
from affiliate.partner import Partner
from affiliate.payout import Held, Payout, minimum_payout, plan
from affiliate.settlement import Outcome, taken_back
from affiliate.statement import SECTION_OF, Balances, Item, Section, Step, bridge
from models.domain.ids import PartnerId
from models.domain.money import Micros, micros_of

NO_SALES = Sum()


@dataclass(frozen=True, slots=True)
class Today:
    """What a day has brought so far. `away`: the event log did not answer, so ads are missing.

    `ads` are the rows that the accrual would book now, but that a fund pays all that is asked.
    """

    day: date
    ads: tuple[ShareRow, ...] = ()
    sales: Sum = NO_SALES
    away: bool = False

    @property
    def of_ads(self) -> int:
        """Micros of ads."""
        return sum(one.earned for one in self.ads)

    @property
    def earned(self) -> int:
        """Micros of ads and sales."""
        return self.of_ads + self.sales.earned


@dataclass(frozen=True, slots=True)
class Next:
    """The month that closes next: when, and when its payouts leave."""

    period: Period
    closes_at: datetime
    pays_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the bridge: a step, or with `section` the number that the steps above lead to."""

    item: Item | None
    section: Section | None
    lines: int
    amount: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a partner has in one currency; all amounts in micros.

    `month_ads` and `month_sales` are booked. What today's ads come to by the log takes the place of
    `booked_today`, which is more than nothing when somebody accrued before midnight.
    """

    currency: str
    period: Period
    today: Today
    month_ads: Sum
    month_sales: Sum
    holding: Holding
    waiting: Mapping[Outcome, tuple[int, Micros]]
    lines: tuple[Line, ...]
    next: Next
    held: Held | None
    minimum_minor: int
    booked_today: int = 0
    under_way: tuple[Payout, ...] = ()

    @property
    def month(self) -> int:
        """Month to date, as it stands: booked ads, ads of today, and sales of the month."""
        booked = self.month_ads.earned + self.month_sales.earned
        return booked if self.today.away else booked + self.today.of_ads - self.booked_today

    @property
    def validated(self) -> int:
        """Earned after all changes so far, and not payable yet."""
        return self.holding.pending


def currencies_of(desk: Desk, partner_id: PartnerId) -> list[str]:
    """The currencies that a partner has anything in; the house's first, always."""
    with database.reading(desk.engine) as connection:
        found = earnings.holdings(connection, partner_id)
    house = desk.settings.currency
    return [house, *(one for one in found if one != house)]


def figures_of(desk: Desk, partner: Partner, currency: str, now: datetime) -> Figures:
    """The five figures of a partner in a currency, and the bridge between them."""
    zone = ZoneInfo(desk.settings.time_zone)
    cells, away = today_cells(desk, partner.partner_id, currency, now)
    with database.reading(desk.engine) as connection:
        held = earnings.holdings(connection, partner.partner_id)
        holding = held.get(currency, Holding(currency))
        contracts = partners.contracts_of(connection, [partner.partner_id])[partner.partner_id]
        minimum = minimum_payout(contracts, now)
        period = period_of(now, zone)
        span = month_span(partner.partner_id, currency, period, zone)
        waiting = earnings.open_lines(connection, partner.partner_id, currency, now)
        return Figures(
            currency,
            period,
            _today(connection, desk, partner.partner_id, (currency, now), cells, away),
            _total(earnings.ads_by(connection, span, "app")),
            _total(earnings.sales_by(connection, span, "merchant")),
            holding,
            waiting,
            _bridge(connection, partner.partner_id, holding, waiting),
            next_closing(connection, currency, now, zone),
            plan(Micros(holding.available), minimum, partner, currency).held,
            minimum,
            earnings.ads_by(connection, span, "day")
            .get(day_of(now, zone).isoformat(), Sum())
            .earned,
            tuple(_under_way(connection, partner.partner_id, currency)),
        )


def month_span(partner_id: PartnerId, currency: str, period: Period, zone: ZoneInfo) -> Span:
    """A month of a partner, in the house's zone."""
    begin, end = calendar.begin_of(period, zone), calendar.end_of(period, zone)
    return Span(partner_id, currency, period, begin, end)


def today_cells(
    desk: Desk, partner_id: PartnerId, currency: str, now: datetime
) -> tuple[tuple[Cell, ...], bool]:
    """The billed events of today in the house's currency, and whether the log was away."""
    if currency != desk.settings.currency:
        return (), False
    if not desk.is_ready():
        return (), True
    zone = ZoneInfo(desk.settings.time_zone)
    try:
        return cells_so_far(desk.store, partner_id, day_of(now, zone), zone, now), False
    except StoreAwayError:
        return (), True


def today_of(desk: Desk, partner_id: PartnerId, now: datetime) -> Today:
    """What today has brought in the house's currency, as `figures_of` counts it."""
    currency = desk.settings.currency
    cells, away = today_cells(desk, partner_id, currency, now)
    with database.reading(desk.engine) as connection:
        return _today(connection, desk, partner_id, (currency, now), cells, away)


def _today(
    connection: Connection,
    desk: Desk,
    partner_id: PartnerId,
    at: tuple[str, datetime],
    cells: tuple[Cell, ...],
    away: bool,
) -> Today:
    currency, now = at
    zone = ZoneInfo(desk.settings.time_zone)
    day = day_of(now, zone)
    begin, end = begin_of_day(day, zone), end_of_day(day, zone)
    span = Span(partner_id, currency, period_of(now, zone), begin, end)
    sales = _total(earnings.sales_by(connection, span, "merchant"))
    claims = claims_of_day(connection, DayRevenue(day, cells), zone, currency) if cells else []
    ads = tuple(
        _estimated(claim)
        for claim in claims
        if claim.row.day == day.isoformat() and claim.row.partner_id == partner_id
    )
    return Today(day, ads, sales, away)


def _estimated(claim: Claim) -> ShareRow:
    if claim.owed is None:
        return claim.row
    dues = claim.owed.valid
    return replace(
        claim.row,
        share_micros=dues.share,
        guarantee_micros=dues.guarantee,
        subsidy_micros=dues.subsidy,
        rule=claim.owed.rule,
    )


def _total(sums: Mapping[str, Sum]) -> Sum:
    return sum(sums.values(), Sum())


def _under_way(connection: Connection, partner_id: PartnerId, currency: str) -> list[Payout]:
    found = payouts.find(connection, partner_id=partner_id, currency=currency)
    return [one for one in found if one.state.value == "pending"]


def _bridge(
    connection: Connection,
    partner_id: PartnerId,
    holding: Holding,
    waiting: Mapping[Outcome, tuple[int, Micros]],
) -> tuple[Line, ...]:
    """What a statement would say if all open months closed now."""
    closed = head_of(connection, holding.currency).closed_through
    opening = _opening(connection, partner_id, holding.currency, closed)
    moved = earnings.moved_after(connection, partner_id, holding.currency, closed)
    subsidies = earnings.subsidies_after(connection, partner_id, holding.currency, closed)
    ripe = waiting.get(Outcome.PAYABLE, (0, Micros(0)))[1]
    netted = taken_back(holding.clawback, holding.available + ripe)
    return lines_of_bridge(bridge(opening, moved, subsidies, waiting, netted))


def _opening(
    connection: Connection, partner_id: PartnerId, currency: str, closed: Period | None
) -> Balances:
    if closed is None:
        return Balances()
    found = statements.find(connection, period=closed, partner_id=partner_id, currency=currency)
    return found[0].closing if found else Balances()


def lines_of_bridge(steps: tuple[Step, ...]) -> tuple[Line, ...]:
    """Steps with the number that each section of them leads to; the sums are exact."""
    lines: list[Line] = []
    total = 0
    for section in Section:
        for step in steps:
            if SECTION_OF[step.item] is section:
                lines.append(Line(step.item, None, step.lines, step.amount))
                total += step.amount
        lines.append(Line(None, section, 0, total))
    return tuple(lines)


def next_closing(
    connection: Connection, currency: str, now: datetime, zone: ZoneInfo, *, since: str = ""
) -> Next:
    """The next month to close, or the first from `since` on, with its dates."""
    closed = head_of(connection, currency).closed_through
    first = settlement.earliest_month(connection, currency, closed)
    period = first or max(shifted(closed, 1) if closed else Period(""), period_of(now, zone))
    return dates_of(connection, max(period, Period(since)), zone)


def dates_of(connection: Connection, period: Period, zone: ZoneInfo) -> Next:
    """When a month closes and pays, its extension counted."""
    extensions = settlement.extensions_of(connection, period)
    return Next(
        period,
        calendar.closes_at(period, extensions, zone),
        calendar.pays_at(period, extensions, zone),
    )


def minimum_of(figures: Figures) -> int:
    """The smallest payout in micros."""
    return micros_of(figures.minimum_minor, figures.currency)
