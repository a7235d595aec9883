"""A day of ad revenue becomes money: advertisers are charged, placements' partners are credited.

Never here: what was billed (`eventlog.revenue`) or whose it is (`ad_shares`). The one surprising
fact: a day may be accrued again at any time. It is counted from the raw events each time, and only
the difference to what was posted before is posted, all of it in one database transaction.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo

from sqlalchemy import Connection, Engine

from adserver.accounting.ad_funds import AdFunds
from adserver.accounting.ad_postings import (
    DayNote,
    Spend,
    moment_of,
    share_transactions,
    spend_transactions,
)
from adserver.accounting.ad_shares import claims_of_day
from adserver.eventlog.revenue import day_revenue
from adserver.marketplace.problem import Sentence
from adserver.ports import EventStore
from adserver.stores import database, findings, revenue as store
from adserver.stores.ledger import Journal
from adserver.stores.revenue import PostedDay, ShareRow
from affiliate.ad_revenue import Cell, DayRevenue
from affiliate.calendar import Period
from affiliate.ledger import Taken, Transaction
from models.domain.event import NO_PARTNER

NO_PARTNER_REASON = "no_partner"
TRIES = 5


class DayRefusedError(Exception):
    """A day that is not accrued, and why; nothing was changed."""


class ShrunkDayError(DayRefusedError):
    """The event log has fewer events of a day than were accrued; it only ever grows."""


class OvertakenError(DayRefusedError):
    """Somebody accrued the day while its events were being counted."""


class UnbalancedError(Exception):
    """The ledger refused what follows from its own rows. Never caught to go on."""


@dataclass(frozen=True, slots=True)
class Accrual:
    """What became of a day. `kept` is valid revenue that stays with the platform, by reason.

    `transactions` is how many were posted; `changed` are the rows that changed, of later days too
    where a tier moved.
    """

    revenue: DayRevenue
    rows: tuple[ShareRow, ...]
    changed: tuple[ShareRow, ...] = ()
    transactions: int = 0
    revision: int = 0
    kept: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class AdDesk:
    """Takes days of revenue into the books. `zone` and `currency` are the house's."""

    engine: Engine
    zone: tzinfo
    currency: str

    def accrue(
        self,
        revenue: DayRevenue,
        now: datetime,
        *,
        seen: int | None = None,
        even_if_less: bool = False,
    ) -> Accrual:
        """Posts what a day's revenue differs from what was posted of it; again posts nothing.

        `seen` is the revision that the day had before its events were counted; None does not ask.

        Raises:
            ShrunkDayError: there were more events before, unless `even_if_less`.
            OvertakenError: the day is at another revision than `seen`.
            DayRefusedError: the day was accrued in another currency.
        """
        with database.writing(self.engine) as connection:
            journal = Journal(connection, self.zone)
            journal.lock()
            posted = store.day_posted(connection, revenue.day)
            before = store.cells_of(connection, revenue.day)
            self._require(posted, seen)
            if revenue.size < before.size and not even_if_less:
                raise ShrunkDayError(_lost(revenue, before))
            closed = journal.closed_through(self.currency)
            accruing = _Accruing(self, connection, journal, now, closed)
            return accruing.take(revenue, before, posted)

    def _require(self, posted: PostedDay | None, seen: int | None) -> None:
        revision = posted.revision if posted else 0
        if seen is not None and revision != seen:
            raise OvertakenError(Sentence("somebody else has just accrued the day"))
        if posted and posted.currency != self.currency:
            other = "%(day)s was accrued in %(then)s, ADUNION_CURRENCY is %(now)s"
            said = {"day": posted.day, "then": posted.currency, "now": self.currency}
            raise DayRefusedError(Sentence(other, **said))


@dataclass(frozen=True, slots=True)
class _Accruing:
    """One day, in the middle of its database transaction."""

    desk: AdDesk
    connection: Connection
    journal: Journal
    now: datetime
    closed: Period | None

    def take(self, revenue: DayRevenue, before: DayRevenue, posted: PostedDay | None) -> Accrual:
        revision = posted.revision if posted else 0
        transactions: list[Transaction] = []
        if revenue.cells != before.cells:
            revision += 1
            transactions += self._charge(revenue, before, revision)
            store.put_cells(self.connection, revenue)
        rows, changed, made = self._share(revenue)
        store.put_shares(self.connection, changed)
        self._append([*transactions, *made])
        day = PostedDay(revenue.day, self.desk.currency, revision, self.now)
        store.put_day(self.connection, day)
        return Accrual(
            revenue,
            rows,
            tuple(changed),
            len(transactions) + len(made),
            revision,
            _kept(revenue.cells, rows),
        )

    def _charge(
        self, revenue: DayRevenue, before: DayRevenue, revision: int
    ) -> Iterator[Transaction]:
        day, zone = revenue.day.isoformat(), self.desk.zone
        note = DayNote(day, revision, self.desk.currency, moment_of(day, zone), self._late(day))
        now, then = _spends(revenue.cells), _spends(before.cells)
        nothing = Spend()
        changes = (
            (name, now.get(name, nothing).less(then.get(name, nothing)))
            for name in sorted(now | then)
        )
        return spend_transactions(note, changes)

    def _share(
        self, revenue: DayRevenue
    ) -> tuple[tuple[ShareRow, ...], list[ShareRow], list[Transaction]]:
        """The day's rows, all rows that changed, and what the ledger is told of them."""
        claims = claims_of_day(self.connection, revenue, self.desk.zone, self.desk.currency)
        funds = AdFunds(self.connection, self.journal, self.desk.zone)
        funds.look(claims)
        rows, changed, transactions = [], [], []
        for claim in claims:
            row = funds.settled(claim)
            if row != claim.before:
                late = self._late(row.day)
                row, made = share_transactions(claim.before, row, late, self.desk.zone)
                row = replace(row, modified_at=self.now)
                transactions += made
                changed.append(row)
            if row.day == revenue.day.isoformat():
                rows.append(row)
        return tuple(rows), changed, transactions

    def _late(self, day: str) -> tuple[tuple[str, str], ...]:
        """The reference of what comes after its month was closed."""
        is_late = self.closed is not None and day[:7] <= self.closed
        return (("late_for", day[:7]),) if is_late else ()

    def _append(self, transactions: Sequence[Transaction]) -> None:
        for outcome in self.journal.append(transactions, self.now):
            if not isinstance(outcome, Taken) or outcome.again:
                raise UnbalancedError(f"the ledger did not take {outcome}")


def accrue_day(
    desk: AdDesk, events: EventStore, day: date, now: datetime, *, even_if_less: bool = False
) -> Accrual:
    """Counts a day from its raw events and posts what differs; again posts nothing.

    Raises:
        ShrunkDayError: the log has fewer events than were accrued, unless `even_if_less`.
        DayRefusedError: others accrued the day all the time, or it is in another currency.
        StoreAwayError: the event store does not answer.
    """
    for _ in range(TRIES - 1):
        with suppress(OvertakenError):
            return _counted_and_posted(desk, events, day, now, even_if_less)
    return _counted_and_posted(desk, events, day, now, even_if_less)


def _counted_and_posted(
    desk: AdDesk, events: EventStore, day: date, now: datetime, even_if_less: bool
) -> Accrual:
    with database.reading(desk.engine) as connection:
        posted = store.day_posted(connection, day)
        invalid = findings.invalid_on(connection, day)
    revenue = day_revenue(events, day, desk.zone, invalid)
    seen = posted.revision if posted else 0
    return desk.accrue(revenue, now, seen=seen, even_if_less=even_if_less)


def _lost(revenue: DayRevenue, before: DayRevenue) -> Sentence:
    return Sentence(
        "the event log has %(there)s events and impressions of %(day)s, but %(accrued)s "
        "were accrued",
        there=f"{revenue.size:,}",
        day=revenue.day,
        accrued=f"{before.size:,}",
    )


def _spends(cells: Iterable[Cell]) -> dict[str, Spend]:
    """What each advertiser is charged, and what of it is invalid."""
    found: dict[str, Spend] = {}
    for cell in cells:
        there = found.get(cell.advertiser_id, Spend())
        more = Spend(there.charged + cell.revenue_micros, there.returned + cell.invalid_micros)
        found[cell.advertiser_id] = more
    return found


def _kept(cells: Iterable[Cell], rows: Iterable[ShareRow]) -> Counter[str]:
    kept: Counter[str] = Counter()
    for cell in cells:
        if cell.partner_id == NO_PARTNER:
            kept[NO_PARTNER_REASON] += cell.revenue_micros - cell.invalid_micros
    for row in rows:
        if not row.contract_id:
            kept[row.reason] += row.revenue_micros
    return kept
