"""The settlement calendar: each month, whether it is closed, what closing it will do, its payouts.

Never here: what a closing does (`accounting.closing`). The one surprising fact: a month is closed
once, whoever presses first; pressing again shows what is there.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, select

from adserver.accounting.closing import Closed, Closings
from adserver.accounting.payouts import Batch, Payouts
from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators.house import zone_of
from adserver.console.operators.paging import Order, Place
from adserver.console.operators.refusals import in_words, refused
from adserver.console.web.language import N_
from adserver.stores import audit, database, payouts as stored, revenue, settlement
from adserver.stores.ledger import Journal
from adserver.stores.payouts import Event
from adserver.stores.settlement import Closing
from adserver.stores.settlement_tables import PERIOD_EXTENSIONS
from affiliate import calendar
from affiliate.ad_revenue import day_of, days_between
from affiliate.calendar import Period, period_of, shifted
from affiliate.chart_of_accounts import Kind
from affiliate.payout import Payout, State
from models.domain.money import NO_MONEY, Micros


@dataclass(frozen=True, slots=True)
class Month:
    """A month of one currency. `closing` is None while it is open; `payouts` are by state."""

    period: Period
    currency: str
    closes_at: datetime
    pays_at: datetime
    extended: bool
    is_next: bool
    closing: Closing | None
    payouts: dict[State, int]

    def may_close(self, now: datetime) -> bool:
        """Whether its turn and its day have come."""
        return self.closing is None and self.is_next and now >= self.closes_at

    def may_pay(self, now: datetime) -> bool:
        """Whether its payouts may be made: it is closed and its day has come."""
        return self.closing is not None and now >= self.pays_at


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a closing has before it: partners' money by account, and days of ads not accrued."""

    partners: int
    pending: Micros
    payable: Micros
    clawback: Micros
    missing_days: tuple[date, ...]


def closings_of(desk: Desk, who: Identity, now: datetime) -> Closings:
    """Closes months, each in the audit log."""

    def witness(connection: Connection, verb: str, period: Period, after: object) -> None:
        audit.record(connection, who, verb, "month", period, None, after, now)

    return Closings(desk.engine, zone_of(desk), witness)


def payouts_of(desk: Desk, who: Identity, now: datetime) -> Payouts:
    """Makes payouts and follows them, each change in the audit log."""

    def witness(connection: Connection, verb: str, before: Payout | None, after: Payout) -> None:
        audit.record(connection, who, verb, "payout", after.payout_id, before, after, now)

    return Payouts(desk.engine, zone_of(desk), witness)


def currencies(desk: Desk) -> list[str]:
    """Those in which there is anything to close, the house's first."""
    found = Closings(desk.engine, zone_of(desk)).currencies()
    house = desk.settings.currency
    return [house, *(code for code in found if code != house)]


def everything(desk: Desk, currency: str, now: datetime) -> list[Month]:
    """The months of a currency, newest first: from the first with entries to the one that runs."""
    zone = zone_of(desk)
    with database.reading(desk.engine) as connection:
        closed = {
            one.period: one for one in settlement.closings(connection) if one.currency == currency
        }
        journal = Journal(connection, zone)
        first_open = settlement.earliest_month(
            connection, currency, journal.closed_through(currency)
        )
        extensions = _extensions(connection)
        counts = _payouts(connection, currency)
    running = period_of(now, zone)
    upcoming = first_open or (shifted(max(closed), 1) if closed else running)
    found = sorted(closed.keys() | set(_between(upcoming, running)), reverse=True)
    return [
        Month(
            period,
            currency,
            calendar.closes_at(period, extensions.get(period, 0), zone),
            calendar.pays_at(period, extensions.get(period, 0), zone),
            period in extensions,
            period == upcoming,
            closed.get(period),
            counts.get(period, {}),
        )
        for period in found
    ]


def find(desk: Desk, period: Period, currency: str, now: datetime) -> Month:
    """One month. Raises NotFoundError."""
    for month in everything(desk, currency, now):
        if month.period == period:
            return month
    raise NotFoundError("the calendar has no such month")


def outlook(desk: Desk, month: Month, now: datetime) -> Outlook:
    """What closing a month will have before it, as the ledger stands now."""
    with database.reading(desk.engine) as connection:
        journal = Journal(connection, zone_of(desk))
        sums: dict[Kind, Micros] = {}
        owners = set()
        for kind in (Kind.PARTNER_PENDING, Kind.PARTNER_PAYABLE, Kind.PARTNER_CLAWBACK):
            held = [one for one in journal.balances(month.currency, kind) if one.posted]
            sums[kind] = Micros(sum(one.posted for one in held))
            owners |= {str(one.account).rpartition(":")[2] for one in held}
        missing = _missing_days(desk, connection, month.period, now)
    return Outlook(
        len(owners),
        sums.get(Kind.PARTNER_PENDING, NO_MONEY),
        sums.get(Kind.PARTNER_PAYABLE, NO_MONEY),
        sums.get(Kind.PARTNER_CLAWBACK, NO_MONEY),
        missing,
    )


def close(
    desk: Desk, who: Identity, month: tuple[Period, str], now: datetime, *, early: bool
) -> Closed:
    """Closes a (month, currency). Raises CatalogError: its turn or day has not come."""
    with in_words():
        return closings_of(desk, who, now).close(*month, now, early=early)


def extend(desk: Desk, who: Identity, period: Period, why: str, now: datetime) -> datetime:
    """Gives a month one month more, once. Raises CatalogError."""
    if not why.strip():
        raise refused(N_("say why the month is extended"), "why")
    with in_words():
        return closings_of(desk, who, now).extend(period, now, why.strip()[:500])


def batch(
    desk: Desk, who: Identity, month: tuple[Period, str], now: datetime, *, early: bool
) -> Batch:
    """Makes the payouts of a closed (month, currency). Raises CatalogError."""
    with in_words():
        return payouts_of(desk, who, now).batch(*month, now, early=early)


def _place(one: Payout) -> Place:
    order = (State.PENDING, State.FAILED, State.CONFIRMED)
    return order.index(one.state), one.payout_id


UNPAID_FIRST = Order(_place)


def payouts(desk: Desk, period: Period | None = None, currency: str = "") -> list[Payout]:
    """The payouts of a month and currency, or all, those on their way first."""
    found = Payouts(desk.engine, zone_of(desk)).find(period=period, currency=currency or None)
    return UNPAID_FIRST.sorted(found)


def payout(desk: Desk, payout_id: str) -> tuple[Payout, list[Event]]:
    """One payout and what happened to it. Raises NotFoundError."""
    with database.reading(desk.engine) as connection:
        found = stored.find(connection, payout_id=payout_id)
        if not found:
            raise NotFoundError("there is no such payout")
        return found[0], stored.events_of(connection, payout_id)


def told(
    desk: Desk, who: Identity, payout_id: str, answer: tuple[str, str], now: datetime
) -> Payout:
    """What the bank said of a payout: (confirm | fail | retry, its words).

    Raises:
        NotFoundError: there is no such payout, or no such answer.
        CatalogError: it cannot become that.
    """
    verb, words = answer
    payout(desk, payout_id)
    source = payouts_of(desk, who, now)
    with in_words():
        if verb == "confirm":
            return source.confirm(payout_id, now, words[:500])
        if verb == "fail":
            if not words.strip():
                raise refused(N_("say what the bank said"), "note")
            return source.fail(payout_id, now, words[:500])
        if verb == "retry":
            return source.retry(payout_id, now)
    raise NotFoundError("nothing lives at this path")


def _between(first: Period, last: Period) -> list[Period]:
    found: list[Period] = []
    while first <= last:
        found.append(first)
        first = shifted(first, 1)
    return found


def _extensions(connection: Connection) -> dict[str, int]:
    table = PERIOD_EXTENSIONS.c
    query = select(table.period, func.max(table.number)).group_by(table.period)
    return {period: int(number) for period, number in connection.execute(query)}


def payouts_by_state(desk: Desk) -> dict[State, int]:
    """How many payouts of all months there are in each state."""
    with database.reading(desk.engine) as connection:
        found = stored.counts(connection)
    return {state: sum(n for (_, its), n in found.items() if its is state) for state in State}


def _payouts(connection: Connection, currency: str) -> dict[Period, dict[State, int]]:
    counts: dict[Period, dict[State, int]] = {}
    for (period, state), count in stored.counts(connection, currency=currency).items():
        counts.setdefault(period, {})[state] = count
    return counts


def _missing_days(
    desk: Desk, connection: Connection, period: Period, now: datetime
) -> tuple[date, ...]:
    """Days of the month that nobody accrued; what they bring will stand in the next statement."""
    known = revenue.days_posted(connection)
    if not known:
        return ()
    first = max(min(known), date.fromisoformat(f"{period}-01"))
    last = min(day_of(now, zone_of(desk)), date.fromisoformat(f"{shifted(period, 1)}-01"))
    every = days_between(first, last - timedelta(days=1))
    return tuple(day for day in every if day not in known)
