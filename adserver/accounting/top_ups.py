"""Top-ups: an advertiser says what it sends, an operator confirms that it came, the ledger has it.

Never here: pages and REST (`adserver.console`), or deposits that nobody announced (`deposits`). The
one surprising fact: a payment that the command line booked before is confirmed without being booked
again, for the bank's number is the ledger's key.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from sqlalchemy import Connection, Engine

from adserver.accounting.deposits import deposit, why_refused
from adserver.marketplace.problem import Sentence
from adserver.stores import audit, database, top_ups
from adserver.stores.audit import Actor
from adserver.stores.ledger import Journal
from adserver.stores.top_ups import TopUp, TopUpStatus
from affiliate.chart_of_accounts import advertiser_prepaid
from affiliate.ledger import Refused
from models.domain.ids import AdvertiserId
from models.domain.money import Micros

MOST_WAITING = 20
MOST_MICROS = 10**15
"""A thousand million units: more is a slip of the finger."""
LONGEST_NOTE = 500
LONGEST_REFERENCE = 100
LISTED = 200


_DECIDED = {
    TopUpStatus.CONFIRMED: Sentence("confirmed"),
    TopUpStatus.REFUSED: Sentence("refused"),
    TopUpStatus.WITHDRAWN: Sentence("withdrawn"),
}


class TopUpError(Exception):
    """A top-up that is refused: `field` is the form's field at fault, "" for none of them."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class UnknownTopUpError(TopUpError):
    """There is no such top-up."""


class DecidedTopUpError(TopUpError):
    """Somebody has decided it already; `top_up` is what became of it."""

    def __init__(self, top_up: TopUp) -> None:
        said = {"status": _DECIDED.get(top_up.status, top_up.status), "who": top_up.decided_by}
        super().__init__(Sentence("it is %(status)s already, by %(who)s", **said))
        self.top_up = top_up


@dataclass(frozen=True, slots=True)
class Asked:
    """What an advertiser announces: micros of the currency, and words for the operator."""

    amount: Micros
    currency: str
    note: str = ""


def ask(engine: Engine, owner: AdvertiserId, asked: Asked, who: Actor, now: datetime) -> TopUp:
    """Keeps an announced payment until an operator decides. No money moves.

    Raises:
        TopUpError: no amount, too large an amount or note, or too many wait already.
    """
    if not 0 < asked.amount <= MOST_MICROS:
        raise TopUpError(
            Sentence("must be more than zero and at most a thousand million"), "amount"
        )
    if len(asked.note) > LONGEST_NOTE or not _prints(asked.note):
        raise TopUpError(
            Sentence("must be at most %(most)s printable characters", most=LONGEST_NOTE), "note"
        )
    made = TopUp(
        top_ups.make_top_up_id(), owner, asked.amount, asked.currency, who.actor, now, asked.note
    )
    with database.writing(engine) as connection:
        if top_ups.count_waiting(connection, owner) >= MOST_WAITING:
            waiting = "%(most)s top-ups wait for a decision; wait for them first"
            raise TopUpError(Sentence(waiting, most=MOST_WAITING))
        top_ups.add(connection, made)
        audit.record(connection, who, "ask", "top_up", made.top_up_id, None, made, now)
    return made


def list_pending(
    engine: Engine, limit: int | None = None, after: tuple[datetime, str] | None = None
) -> list[TopUp]:
    """Top-ups that wait for an operator, the oldest first; all of them without a `limit`.

    `after` is (asked_at, id) of the last one seen.
    """
    with database.reading(engine) as connection:
        return top_ups.waiting(connection, limit, after)


def count_pending(engine: Engine) -> int:
    """How many wait for an operator."""
    with database.reading(engine) as connection:
        return top_ups.count_waiting(connection)


def list_of(
    engine: Engine,
    owner: AdvertiserId,
    limit: int = LISTED,
    after: tuple[datetime, str] | None = None,
) -> list[TopUp]:
    """An advertiser's top-ups, the latest first; `after` is (asked_at, id) of the last one seen."""
    with database.reading(engine) as connection:
        return top_ups.of_advertiser(connection, owner, limit, after)


def confirm(
    engine: Engine, zone: tzinfo, top_up_id: str, reference: str, who: Actor, now: datetime
) -> TopUp:
    """Books the money into the ledger, once, under the bank's own number; answers the top-up.

    `zone` is the house's: the deposit's month is that of `now` there.

    Raises:
        UnknownTopUpError: there is none of that id.
        DecidedTopUpError: it was decided before, by whoever pressed first.
        TopUpError: no reference, or one under which another payment was booked.
    """
    reference = reference.strip()
    if not 0 < len(reference) <= LONGEST_REFERENCE or not _prints(reference):
        raise TopUpError(
            Sentence("is the bank's number of the payment, up to 100 characters"), "reference"
        )

    def book(connection: Connection, before: TopUp) -> TopUp:
        _pay_in(Journal(connection, zone), connection, before, reference, now)
        return replace(before, status=TopUpStatus.CONFIRMED, reference=reference)

    return _decided(engine, top_up_id, "confirm", book, who, now)


def refuse(engine: Engine, top_up_id: str, reason: str, who: Actor, now: datetime) -> TopUp:
    """Closes a top-up without money; the advertiser reads the reason.

    Raises:
        UnknownTopUpError: there is none of that id.
        DecidedTopUpError: it was decided before.
        TopUpError: no reason, or too long a one.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST_NOTE or not _prints(reason):
        raise TopUpError(Sentence("is what the advertiser reads: say why"), "reason")
    closed = _closing(TopUpStatus.REFUSED, reason)
    return _decided(engine, top_up_id, "refuse", closed, who, now)


def withdraw(
    engine: Engine, owner: AdvertiserId, top_up_id: str, who: Actor, now: datetime
) -> TopUp:
    """The advertiser takes back what it announced.

    Raises:
        UnknownTopUpError: it has none of that id.
        DecidedTopUpError: it was decided before.
    """
    with database.reading(engine) as connection:
        found = top_ups.find(connection, top_up_id)
    if found is None or found.advertiser_id != owner:
        raise UnknownTopUpError(Sentence("there is no such top-up"))
    closed = _closing(TopUpStatus.WITHDRAWN, "")
    return _decided(engine, top_up_id, "withdraw", closed, who, now)


def _closing(status: TopUpStatus, reason: str) -> Callable[[Connection, TopUp], TopUp]:
    return lambda _, before: replace(before, status=status, reason=reason)


def _decided(
    engine: Engine,
    top_up_id: str,
    action: str,
    become: Callable[[Connection, TopUp], TopUp],
    who: Actor,
    now: datetime,
) -> TopUp:
    """One decision in one transaction; the row's lock lets in one decider at a time."""
    with database.writing(engine) as connection:
        before = top_ups.find(connection, top_up_id, locked=True)
        if before is None:
            raise UnknownTopUpError(Sentence("there is no such top-up"))
        if before.status is not TopUpStatus.ASKED:
            raise DecidedTopUpError(before)
        after = replace(become(connection, before), decided_by=who.actor, decided_at=now)
        top_ups.decide(connection, after)
        audit.record(connection, who, action, "top_up", top_up_id, before, after, now)
    return after


def _pay_in(
    journal: Journal, connection: Connection, top_up: TopUp, reference: str, now: datetime
) -> None:
    other = top_ups.confirmed_under(connection, top_up.advertiser_id, reference)
    if other:
        raise TopUpError(Sentence("was used for top-up %(id)s already", id=other), "reference")
    outcome = deposit(
        journal,
        advertiser_prepaid(top_up.advertiser_id),
        top_up.amount_micros,
        currency=top_up.currency,
        key=reference,
        now=now,
    )
    if isinstance(outcome, Refused):
        raise TopUpError(why_refused(outcome, reference), "reference")


def _prints(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)
