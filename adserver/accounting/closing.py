"""Closing a month: ripe money becomes payable, overpaid money is taken out of it, statements.

One database transaction a currency: either the month is closed with everything that belongs to it,
or nothing happened. Never here: payouts. The one surprising fact: what a closing books is dated on
the month's last moment, so that it stands in the statement of the month that it closes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import Connection, Engine

from adserver.marketplace.problem import Sentence
from adserver.stores import database, ledger_rows, partners, settlement, statements
from adserver.stores.ledger import Journal
from adserver.stores.settlement import Closing, Month
from affiliate import calendar
from affiliate.calendar import Period
from affiliate.chart_of_accounts import (
    AccountName,
    Kind,
    owner_of,
    partner_accounts,
    partner_clawback,
    partner_payable,
    partner_pending,
)
from affiliate.ledger import Balance, Posting, Reason, Refused, Transaction
from affiliate.partner import Contract, Partner
from affiliate.payout import minimum_payout, plan
from affiliate.settlement import Outcome, StatementDoesNotFootError, taken_back
from affiliate.statement import (
    Balances,
    Item,
    Moved,
    Statement,
    Step,
    bridge,
    closing_of,
    foot,
)
from models.domain.ids import MerchantId, PartnerId
from models.domain.money import NO_MONEY, Micros


class ClosingRefusedError(ValueError):
    """A month that cannot be closed or extended now; the message says what stands against it."""


class ClosingTooEarlyError(ClosingRefusedError):
    """The month's day has not come; `early` closes before it."""


@dataclass(frozen=True, slots=True)
class Closed:
    """What came of closing a month in one currency. `again`: it had been closed before."""

    closing: Closing
    again: bool = False


@dataclass(slots=True)
class _Books:
    """What is known of every partner while a month is closed, by partner."""

    found: dict[PartnerId, dict[Outcome, tuple[int, Micros]]]
    moved: dict[PartnerId, list[Moved]]
    subsidies: dict[PartnerId, Step]
    openings: dict[PartnerId, Balances]
    later: dict[AccountName, int]
    held: dict[AccountName, Balance] = field(default_factory=dict)

    def everyone(self) -> list[PartnerId]:
        """Whoever has money or had an entry."""
        opened = {one for one, balances in self.openings.items() if any(balances)}
        return sorted(opened | self.found.keys() | self.moved.keys())

    def matured(self, partner: PartnerId) -> Micros:
        """What becomes payable."""
        return self.found.get(partner, {}).get(Outcome.PAYABLE, (0, NO_MONEY))[1]

    def netted(self, partner: PartnerId) -> int:
        """What moves from payable to clawback: as of the month's end, and while it is still there.

        What has matured must be in `held` already.
        """
        opening, moved = self.openings.get(partner, Balances()), self.moved.get(partner, [])
        sums = {kind: sum(one.amount for one in moved if one.kind is kind) for kind in Kind}
        then = opening.payable + sums[Kind.PARTNER_PAYABLE] + self.matured(partner)
        clawback = opening.clawback + sums[Kind.PARTNER_CLAWBACK]
        return taken_back(clawback, min(then, self.balance(partner_payable(partner)).available))

    def balance(self, account: AccountName) -> Balance:
        """What the ledger has on an account now."""
        return self.held.get(account, Balance(account))

    def at_month_end(self, partner: PartnerId) -> Balances:
        """What the ledger has on a partner's accounts without the entries of later months."""
        accounts = partner_accounts(partner)
        return Balances(
            *(Micros(self.balance(one).posted - self.later.get(one, 0)) for one in accounts)
        )


Witness = Callable[[Connection, str, Period, object], None]
"""Told in the same transaction: close or extend, the month, and what came of it."""


def _unseen(_connection: Connection, _verb: str, _period: Period, _after: object) -> None:
    """The witness where nobody keeps an audit log."""


class Closings:
    """Closes months; `zone` is the house's, in which they begin and end."""

    def __init__(self, engine: Engine, zone: tzinfo, witness: Witness = _unseen) -> None:
        self._engine = engine
        self._zone = zone
        self._witness = witness

    def currencies(self) -> list[str]:
        """The currencies in which there is anything to close."""
        with database.reading(self._engine) as connection:
            return ledger_rows.currencies(connection)

    def closes_at(self, period: Period) -> datetime:
        """When a month may be closed, its extensions counted."""
        with database.reading(self._engine) as connection:
            extensions = settlement.extensions_of(connection, period)
        return calendar.closes_at(period, extensions, self._zone)

    def done(self, period: Period | None = None) -> list[Closing]:
        """What was closed, of one month or of all."""
        with database.reading(self._engine) as connection:
            return settlement.closings(connection, period)

    def extend(self, period: Period, now: datetime, why: str = "") -> datetime:
        """Closes a month a month later than the calendar says; answers when.

        Raises:
            ClosingRefusedError: it was extended already, or is closed in some currency.
        """
        with database.writing(self._engine) as connection:
            Journal(connection, self._zone).lock()
            if settlement.closings(connection, period):
                raise ClosingRefusedError(Sentence("%(period)s is closed already", period=period))
            number = settlement.extensions_of(connection, period) + 1
            moment = self._extended(period, number)
            settlement.extend(connection, period, number, now, why)
            self._witness(connection, "extend", period, {"closes_at": moment, "why": why})
            return moment

    def close(self, period: Period, currency: str, now: datetime, *, early: bool = False) -> Closed:
        """Closes a month in one currency; a month that is closed already is left as it is.

        `early` closes before its day; lines count as ripe as if that day had come.

        Raises:
            ClosingRefusedError: its day has not come, or an earlier month is still open.
            StatementDoesNotFootError: the books disagree; nothing is closed.
        """
        with database.writing(self._engine) as connection:
            journal = Journal(connection, self._zone)
            journal.lock()
            there = settlement.closing_of(connection, period, currency)
            if there is not None:
                return Closed(there, again=True)
            self._require_its_turn(connection, period, currency)
            extensions = settlement.extensions_of(connection, period)
            closes_at = calendar.closes_at(period, extensions, self._zone)
            earliest = calendar.begin_of(period, self._zone) if early else closes_at
            if now < earliest:
                said = {"period": period, "day": closes_at.astimezone(self._zone).date()}
                if early:
                    unborn = "%(period)s closes on %(day)s; it has not even begun"
                    raise ClosingRefusedError(Sentence(unborn, **said))
                raise ClosingTooEarlyError(Sentence("%(period)s closes on %(day)s", **said))
            ends_at = calendar.end_of(period, self._zone)
            month = Month(period, currency, ends_at, closes_at)
            closing = self._close(connection, journal, month, now, extensions)
            self._witness(connection, "close", period, closing)
            return Closed(closing)

    def _require_its_turn(self, connection: Connection, period: Period, currency: str) -> None:
        closed = Journal(connection, self._zone).closed_through(currency)
        if closed is not None and closed >= period:
            through = "%(currency)s is closed through %(month)s already"
            raise ClosingRefusedError(Sentence(through, currency=currency, month=closed))
        first = settlement.earliest_month(connection, currency, closed)
        if first is not None and first < period:
            before = "%(month)s has entries and is still open: close it first"
            raise ClosingRefusedError(Sentence(before, month=first))

    def _extended(self, period: Period, number: int) -> datetime:
        try:
            return calendar.closes_at(period, number, self._zone)
        except calendar.ExtensionError as error:
            once = "%(period)s was extended already; it may be extended once"
            raise ClosingRefusedError(Sentence(once, period=period)) from error

    def _close(
        self,
        connection: Connection,
        journal: Journal,
        month: Month,
        now: datetime,
        extensions: int,
    ) -> Closing:
        books = _judged(connection, journal, month, now)
        _book(journal, month, [_maturity(month, books, one) for one in books.found], now)
        books.held = _partners_balances(journal, month.currency)
        _book(journal, month, [_clawback(month, books, one) for one in books.everyone()], now)
        netted = {one: books.netted(one) for one in books.everyone()}
        books.held = _partners_balances(journal, month.currency)
        closing = Closing(
            month.period,
            month.currency,
            closed_at=now,
            ripe_until=month.ripe_until,
            pays_at=calendar.pays_at(month.period, extensions, self._zone),
            head_hash=journal.close_through(month.currency, month.period, now),
            statements=len(books.everyone()),
        )
        _require_rows_agree(connection, month, books)
        statements.add(connection, _statements(connection, books, closing, netted))
        settlement.add_closing(connection, closing)
        return closing


def _judged(connection: Connection, journal: Journal, month: Month, now: datetime) -> _Books:
    """Judges every open line, lets the ripe ones mature, and reads what the month moved."""
    merchants = partners.merchants(connection)
    balances = {
        owner_of(one.account): one.posted
        for one in journal.balances(month.currency, Kind.MERCHANT_RECEIVABLE)
    }
    trusted = {MerchantId(name) for name, one in merchants.items() if one.trusted}
    settlement.make_room(connection)
    settlement.fund(connection, month, trusted, balances)
    settlement.judge(connection, month)
    settlement.mature(connection, month, now)
    return _Books(
        found=settlement.found_by_partner(connection, month),
        moved=settlement.moved_by_partner(connection, month),
        subsidies=settlement.subsidies_by_partner(connection, month),
        openings=statements.opening_balances(connection, month.period, month.currency),
        later=settlement.moved_later(connection, month),
    )


def _partners_balances(journal: Journal, currency: str) -> dict[AccountName, Balance]:
    kinds = (Kind.PARTNER_PENDING, Kind.PARTNER_PAYABLE, Kind.PARTNER_CLAWBACK)
    return {one.account: one for kind in kinds for one in journal.balances(currency, kind)}


def _maturity(month: Month, books: _Books, partner: PartnerId) -> Transaction | None:
    lines, amount = books.found[partner].get(Outcome.PAYABLE, (0, NO_MONEY))
    return _move(
        month,
        Reason.MATURITY,
        f"mature:{month.period}:{partner}:{month.currency}",
        (partner_pending(partner), partner_payable(partner), amount),
        (("lines", str(lines)), ("partner", partner), ("ripe_until", str(month.ripe_until))),
    )


def _clawback(month: Month, books: _Books, partner: PartnerId) -> Transaction | None:
    return _move(
        month,
        Reason.CLAWBACK,
        f"clawback:{month.period}:{partner}:{month.currency}",
        (partner_payable(partner), partner_clawback(partner), books.netted(partner)),
        (("partner", partner),),
    )


def _move(
    month: Month,
    reason: Reason,
    key: str,
    what: tuple[AccountName, AccountName, int],
    refs: tuple[tuple[str, str], ...],
) -> Transaction | None:
    """A transaction from one account to another; None when there is nothing to move."""
    source, target, amount = what
    if not amount:
        return None
    return Transaction(
        key=key,
        currency=month.currency,
        reason=reason,
        occurred_at=month.ends_at - timedelta(microseconds=1),
        postings=(Posting(source, Micros(-amount)), Posting(target, Micros(amount))),
        refs=(("period", month.period), *refs),
    )


def _book(
    journal: Journal, month: Month, wanted: Sequence[Transaction | None], now: datetime
) -> None:
    transactions = [one for one in wanted if one is not None]
    if not transactions:
        return
    for outcome in journal.append(transactions, now):
        if isinstance(outcome, Refused):
            why = f"{outcome.refusal} {outcome.detail}".strip()
            said = {"month": month.period, "currency": month.currency, "key": outcome.key}
            refused = "%(month)s, %(currency)s: the ledger refused %(key)s: %(why)s"
            raise StatementDoesNotFootError(Sentence(refused, why=why, **said))


def _require_rows_agree(connection: Connection, month: Month, books: _Books) -> None:
    """Rows and days say what is pending; so does the ledger. They are written together."""
    of_rows = settlement.pending_of_rows(connection, month.currency)
    for partner in books.everyone():
        of_ledger = books.balance(partner_pending(partner)).posted
        if of_rows.get(partner, 0) != of_ledger:
            raise StatementDoesNotFootError(
                Sentence(
                    "%(partner)s, %(currency)s: rows say %(rows)s micros are pending, "
                    "the ledger %(ledger)s",
                    partner=partner,
                    currency=month.currency,
                    rows=of_rows.get(partner, 0),
                    ledger=of_ledger,
                )
            )


def _statements(
    connection: Connection,
    books: _Books,
    closing: Closing,
    netted: dict[PartnerId, int],
) -> list[Statement]:
    everyone = books.everyone()
    known = partners.partners_of(connection, everyone)
    contracts = partners.contracts_of(connection, everyone)
    found = []
    for one in everyone:
        partner = known.get(one) or Partner(one, name=one)
        steps = _steps(books, one, netted[one])
        statement = _statement(books, closing, partner, steps, contracts[one])
        foot(statement, books.at_month_end(one), books.matured(one))
        found.append(statement)
    return found


def _steps(books: _Books, partner: PartnerId, netted: int) -> tuple[Step, ...]:
    return bridge(
        books.openings.get(partner, Balances()),
        books.moved.get(partner, []),
        books.subsidies.get(partner, Step(Item.SUBSIDIES, 0, NO_MONEY)),
        books.found.get(partner, {}),
        netted,
    )


def _statement(
    books: _Books,
    closing: Closing,
    partner: Partner,
    steps: tuple[Step, ...],
    contracts: Sequence[Contract],
) -> Statement:
    available = books.balance(partner_payable(partner.partner_id)).available
    minimum = minimum_payout(contracts, closing.closed_at)
    planned = plan(available, minimum, partner, closing.currency)
    balances = closing_of(steps)
    return Statement(
        period=closing.period,
        currency=closing.currency,
        partner_id=partner.partner_id,
        partner_name=partner.name,
        closed_at=closing.closed_at,
        pays_at=closing.pays_at,
        head_hash=closing.head_hash,
        opening=books.openings.get(partner.partner_id, Balances()),
        closing=balances,
        reserved=Micros(balances.payable - available),
        steps=steps,
        minimum_minor=minimum,
        payout_minor=planned.leaves,
        held=planned.held,
    )
