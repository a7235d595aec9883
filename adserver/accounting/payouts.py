"""Payouts: made for a closed month, confirmed or failed by the bank, tried again.

Each change is one database transaction with its ledger entry. Never here: the bank file (a command
writes it). The one surprising fact: a payout that failed may be tried again under its own key, but
not once a later payout has taken its money along.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from sqlalchemy import Connection, Engine

from adserver.marketplace.problem import Sentence
from adserver.stores import database, partners, payouts, settlement, statements
from adserver.stores.ledger import Journal
from adserver.stores.payouts import Event
from affiliate.calendar import Period
from affiliate.chart_of_accounts import (
    BANK,
    PAYOUT_CLEARING,
    AccountName,
    Kind,
    owner_of,
    partner_payable,
)
from affiliate.ledger import Phase, Posting, Reason, Refused, Transaction
from affiliate.partner import Partner, Standing
from affiliate.payout import (
    Payout,
    Plan,
    State,
    ledger_key,
    minimum_payout,
    payout_id,
    plan,
)
from models.domain.ids import PartnerId
from models.domain.money import Micros, micros_of

Witness = Callable[[Connection, str, Payout | None, Payout], None]
"""Told in the same transaction: make, confirm, fail or retry; what it was (None: new) and is."""


def _unseen(_connection: Connection, _verb: str, _before: Payout | None, _after: Payout) -> None:
    """The witness where nobody keeps an audit log."""


class PayoutRefusedError(ValueError):
    """A payout that cannot be made or changed now; the message says why."""


class UnknownPayoutError(PayoutRefusedError):
    """There is no such payout."""


class MonthOpenError(PayoutRefusedError):
    """The month is not closed yet."""


class PayoutTooEarlyError(PayoutRefusedError):
    """The month's day has not come; `early` pays before it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a run made, what had been made for the month before it, and who is not paid and why."""

    made: tuple[Payout, ...]
    earlier: tuple[Payout, ...]
    held: tuple[tuple[PartnerId, Plan], ...]


class Payouts:
    """Makes payouts and follows them; `zone` is the house's."""

    def __init__(self, engine: Engine, zone: tzinfo, witness: Witness = _unseen) -> None:
        self._engine = engine
        self._zone = zone
        self._witness = witness

    def find(
        self,
        *,
        period: Period | None = None,
        currency: str | None = None,
        partner_id: PartnerId | None = None,
        state: State | None = None,
    ) -> list[Payout]:
        """Payouts by month, currency, partner and state; all that are not named."""
        with database.reading(self._engine) as connection:
            return payouts.find(
                connection, period=period, currency=currency, partner_id=partner_id, state=state
            )

    def history(self, payout: str) -> list[Event]:
        """What happened to a payout, the first thing first."""
        with database.reading(self._engine) as connection:
            return payouts.events_of(connection, payout)

    def batch(self, period: Period, currency: str, now: datetime, *, early: bool = False) -> Batch:
        """Makes a payout for each partner with enough that is payable. Again makes what is missing.

        `early` pays before the month's day.

        Raises:
            PayoutRefusedError: the month is not closed, or its day has not come.
        """
        with database.writing(self._engine) as connection:
            journal = Journal(connection, self._zone)
            journal.lock()
            self._require_payable(connection, period, currency, now, early=early)
            earlier = payouts.find(connection, period=period, currency=currency)
            paid = {one.partner_id for one in earlier}
            made, held = [], []
            for partner, planned in _plans(connection, journal, period, currency, now):
                if partner.partner_id in paid:
                    continue
                if planned.held:
                    held.append((partner.partner_id, planned))
                else:
                    made.append(_made(period, currency, partner, planned, now))
            _require_taken(journal, [_reservation(one) for one in made], now)
            payouts.add(connection, made)
            for one in made:
                self._witness(connection, "make", None, one)
            return Batch(tuple(made), tuple(earlier), tuple(held))

    def confirm(self, payout: str, now: datetime, reference: str = "") -> Payout:
        """The bank has paid: what was reserved leaves. Again changes nothing.

        Raises:
            PayoutRefusedError: there is no such payout, or it failed.
        """
        return self._end(payout, State.CONFIRMED, now, reference)

    def fail(self, payout: str, now: datetime, why: str = "") -> Payout:
        """The bank has not paid: what was reserved is payable again. Again changes nothing.

        Raises:
            PayoutRefusedError: there is no such payout, or it was confirmed.
        """
        return self._end(payout, State.FAILED, now, why)

    def _end(self, payout: str, state: State, now: datetime, note: str) -> Payout:
        with database.writing(self._engine) as connection:
            journal = Journal(connection, self._zone)
            journal.lock()
            there = _known(connection, payout)
            if there.state is state:
                return there
            if there.state is not State.PENDING:
                raise PayoutRefusedError(_why_not(there))
            ended = replace(there, state=state, changed_at=now, note=note)
            confirmed = state is State.CONFIRMED
            _require_taken(journal, _paid(ended) if confirmed else [_released(ended)], now)
            payouts.put(connection, ended)
            self._witness(connection, "confirm" if confirmed else "fail", there, ended)
            return ended

    def retry(self, payout: str, now: datetime) -> Payout:
        """Tries a failed payout again, to the account that the partner has now.

        Raises:
            PayoutRefusedError: there is no such payout, it has not failed, a later one has taken
                its money along, or the partner may not be paid.
        """
        with database.writing(self._engine) as connection:
            journal = Journal(connection, self._zone)
            journal.lock()
            there = _known(connection, payout)
            if there.state is State.PENDING and there.attempt > 1:
                return there
            if there.state is not State.FAILED:
                refused = "%(payout)s has not failed; only what failed is retried"
                raise PayoutRefusedError(Sentence(refused, payout=payout))
            _require_newest(connection, there)
            partner = _payee(connection, there)
            again = replace(
                there,
                state=State.PENDING,
                attempt=there.attempt + 1,
                bank_account=partner.bank_account,
                account_holder=partner.account_holder,
                changed_at=now,
                note="",
            )
            _require_taken(journal, [_reservation(again)], now)
            payouts.put(connection, again)
            self._witness(connection, "retry", there, again)
            return again

    def _require_payable(
        self,
        connection: Connection,
        period: Period,
        currency: str,
        now: datetime,
        *,
        early: bool,
    ) -> None:
        closing = settlement.closing_of(connection, period, currency)
        if closing is None:
            still_open = "%(period)s is not closed in %(currency)s"
            raise MonthOpenError(Sentence(still_open, period=period, currency=currency))
        if now < closing.pays_at and not early:
            day = closing.pays_at.astimezone(self._zone).date()
            raise PayoutTooEarlyError(
                Sentence("%(period)s pays on %(day)s", period=period, day=day)
            )


def _plans(
    connection: Connection, journal: Journal, period: Period, currency: str, now: datetime
) -> list[tuple[Partner, Plan]]:
    """What each partner with something payable would get.

    Once a later month is closed, what that made payable is for its own batch and its own day.
    """
    balances: dict[PartnerId, Micros] = {
        PartnerId(owner_of(one.account)): one.available
        for one in journal.balances(currency, Kind.PARTNER_PAYABLE)
        if one.available > 0
    }
    if any(
        one.currency == currency and one.period > period for one in settlement.closings(connection)
    ):
        there = statements.available_then(connection, period, currency)
        balances = {one: min(left, there[one]) for one, left in balances.items() if one in there}
    known = partners.partners_of(connection, balances)
    contracts = partners.contracts_of(connection, balances)
    found = []
    for partner_id, available in balances.items():
        partner = known.get(partner_id) or Partner(partner_id, name=partner_id)
        minimum = minimum_payout(contracts[partner_id], now)
        found.append((partner, plan(available, minimum, partner, currency)))
    return found


def _made(period: Period, currency: str, partner: Partner, planned: Plan, now: datetime) -> Payout:
    return Payout(
        payout_id=payout_id(period, partner.partner_id, currency),
        period=period,
        currency=currency,
        partner_id=partner.partner_id,
        amount_minor=planned.leaves,
        state=State.PENDING,
        attempt=1,
        bank_account=partner.bank_account,
        account_holder=partner.account_holder,
        made_at=now,
        changed_at=now,
    )


def _known(connection: Connection, payout: str) -> Payout:
    found = payouts.find(connection, payout_id=payout)
    if not found:
        raise UnknownPayoutError(Sentence("there is no payout %(id)s", id=repr(payout)))
    return found[0]


def _why_not(ended: Payout) -> Sentence:
    """Why what one bank answer ended does not become what the other would make it."""
    if ended.state is State.CONFIRMED:
        refused = "%(payout)s is confirmed, it cannot become failed"
    else:
        refused = "%(payout)s is failed, it cannot become confirmed"
    return Sentence(refused, payout=ended.payout_id)


def _require_newest(connection: Connection, failed: Payout) -> None:
    for one in payouts.find(connection, partner_id=failed.partner_id, currency=failed.currency):
        is_later = one.made_at >= failed.changed_at  # one made before it failed had to leave it out
        if is_later and one.payout_id != failed.payout_id:
            went = {"failed": failed.payout_id, "later": one.payout_id}
            raise PayoutRefusedError(
                Sentence("the money of %(failed)s went into %(later)s", **went)
            )


def _payee(connection: Connection, payout: Payout) -> Partner:
    partner = partners.partners_of(connection, [payout.partner_id]).get(payout.partner_id)
    if partner is None or partner.standing is not Standing.APPROVED:
        raise PayoutRefusedError(Sentence("partner %(id)s is not approved", id=payout.partner_id))
    if not (partner.bank_account and partner.account_holder):
        raise PayoutRefusedError(
            Sentence("partner %(id)s has no bank account", id=payout.partner_id)
        )
    return partner


def _reservation(payout: Payout) -> Transaction:
    return _transaction(
        payout,
        ledger_key(payout.payout_id, payout.attempt),
        _moved(payout, partner_payable(payout.partner_id), PAYOUT_CLEARING),
        phase=Phase.PENDING,
    )


def _paid(payout: Payout) -> list[Transaction]:
    key = ledger_key(payout.payout_id, payout.attempt)
    return [
        _transaction(payout, f"{key}:post", (), phase=Phase.POST, settles=key),
        _transaction(payout, f"{key}:bank", _moved(payout, PAYOUT_CLEARING, BANK)),
    ]


def _released(payout: Payout) -> Transaction:
    key = ledger_key(payout.payout_id, payout.attempt)
    return _transaction(payout, f"{key}:void", (), phase=Phase.VOID, settles=key)


def _moved(payout: Payout, source: AccountName, target: AccountName) -> tuple[Posting, Posting]:
    amount = micros_of(payout.amount_minor, payout.currency)
    return Posting(source, Micros(-amount)), Posting(target, amount)


def _transaction(
    payout: Payout,
    key: str,
    postings: tuple[Posting, ...],
    *,
    phase: Phase = Phase.POSTED,
    settles: str = "",
) -> Transaction:
    named = {
        "payout": payout.payout_id,
        "partner": payout.partner_id,
        "settlement": payout.period,
        "attempt": str(payout.attempt),
        "note": payout.note,
    }
    return Transaction(
        key=key,
        currency=payout.currency,
        reason=Reason.PAYOUT,
        occurred_at=payout.changed_at,
        postings=postings,
        phase=phase,
        settles=settles,
        refs=tuple((name, value) for name, value in named.items() if value),
    )


def _require_taken(journal: Journal, wanted: Sequence[Transaction], now: datetime) -> None:
    """All or none: a refusal undoes the database transaction around it."""
    if not wanted:
        return
    refused: Collection[Refused] = [
        one for one in journal.append(wanted, now, linked=True) if isinstance(one, Refused)
    ]
    for one in refused:
        why = f"{one.refusal} {one.detail}".strip()
        raise PayoutRefusedError(
            Sentence("the ledger refused %(key)s: %(why)s", key=one.key, why=why)
        )
