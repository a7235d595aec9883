"""Whether a transaction may enter the ledger, and what it then does to the balances.

Never here: where the ledger is kept (`adserver.stores.ledger`). The one surprising fact: the rules
are one table in the order of `Refusal`; appending reads it, and so does `verify` when it walks the
whole ledger again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from affiliate.calendar import Period, period_of, shifted
from affiliate.chart_of_accounts import CHART, AccountName, is_account, kind_of
from affiliate.ledger import (
    LARGEST_AMOUNT,
    LONGEST_KEY,
    NO_HASH,
    Entry,
    Phase,
    Posting,
    Refusal,
    Refused,
    Taken,
    Transaction,
    seal,
)

MOVING = frozenset({Phase.POSTED, Phase.POST})
"""The phases that move money; the others only reserve it or let it go."""

ENDING = frozenset({Phase.POST, Phase.VOID, Phase.EXPIRE})
"""The phases that end a pending transaction."""


@dataclass(slots=True)
class Holding:
    """What an account has now, in micros: credits minus debits, and what pending debits hold."""

    posted: int = 0
    reserved: int = 0


@dataclass(slots=True)
class Head:
    """Where a currency's chain ends, and its last closed month."""

    seq: int = 0
    hash: str = NO_HASH
    closed_through: Period | None = None


@dataclass(slots=True)
class Book:
    """What must be known to judge some transactions; entering one changes it.

    `known` has the entries whose keys they carry, settle or reverse, as far as there are any;
    `settled` and `reversed` those keys whose entry was settled or reversed already.
    """

    known: dict[str, Entry] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    reversed: set[str] = field(default_factory=set)
    holdings: dict[tuple[str, AccountName], Holding] = field(default_factory=dict)
    heads: dict[str, Head] = field(default_factory=dict)

    def holding(self, currency: str, account: AccountName) -> Holding:
        """The account's own, to be changed."""
        return self.holdings.setdefault((currency, account), Holding())


@dataclass(frozen=True, slots=True)
class Case:
    """A transaction with the entries that it names, at the moment of its commit.

    `postings` is what moves, is reserved or is let go; `changes` what that makes of each account:
    how much more is posted, and how much more is reserved.
    """

    transaction: Transaction
    book: Book
    now: datetime
    pending: Entry | None
    undone: Entry | None
    postings: tuple[Posting, ...]
    changes: tuple[tuple[AccountName, int, int], ...]


def enter(
    book: Book, transaction: Transaction, now: datetime, zone: tzinfo
) -> Entry | Taken | Refused:
    """The entry that a transaction becomes, which the book then knows; or why not.

    The same transaction again answers `Taken` with the place of the first.
    """
    misnamed = key_fault(transaction)
    if misnamed:
        return misnamed
    body = transaction.body()
    there = book.known.get(transaction.key)
    if there and there.transaction.body() == body:
        return Taken(transaction.key, there.seq, again=True)
    if there:
        return Refused(transaction.key, Refusal.KEY_REUSED, "its body is another")
    case = case_of(book, transaction, now)
    refused = judge(case)
    return refused or _entered(case, body, zone)


def _entered(case: Case, body: bytes, zone: tzinfo) -> Entry:
    head = case.book.heads.setdefault(case.transaction.currency, Head())
    period = open_period(case.transaction.occurred_at, head.closed_through, zone)
    previous, postings = head.hash, case.postings
    head.seq += 1
    head.hash = seal(previous, head.seq, period, case.now, body, postings)
    entry = Entry(case.transaction, head.seq, period, case.now, previous, head.hash, postings)
    apply(case)
    case.book.known[case.transaction.key] = entry
    return entry


def open_period(occurred_at: datetime, closed_through: Period | None, zone: tzinfo) -> Period:
    """The month of an event where it is open, else the first open one."""
    natural = period_of(occurred_at, zone)
    return natural if closed_through is None else max(natural, shifted(closed_through, 1))


def case_of(book: Book, transaction: Transaction, now: datetime) -> Case:
    """The transaction with the entries that it names, as far as they are of its currency."""
    pending = _of_currency(book.known.get(transaction.settles), transaction.currency)
    undone = _of_currency(book.known.get(transaction.reverses), transaction.currency)
    held = pending.postings if pending else ()
    postings = transaction.postings
    if transaction.phase in ENDING and not postings:
        postings = held
    changes = tuple(_changes(transaction.phase, postings, held))
    return Case(transaction, book, now, pending, undone, postings, changes)


def _of_currency(entry: Entry | None, currency: str) -> Entry | None:
    return entry if entry and entry.transaction.currency == currency else None


def key_fault(transaction: Transaction) -> Refused | None:
    """What is wrong with a key as such."""
    key = transaction.key
    if not key:
        return Refused(key, Refusal.KEY_EMPTY, "every transaction has a key")
    if len(key) > LONGEST_KEY or not key.isprintable():
        detail = f"a key has at most {LONGEST_KEY} characters, all of which print"
        return Refused(key, Refusal.KEY_MALFORMED, detail)
    return None


def judge(case: Case) -> Refused | None:
    """The first rule that refuses the transaction, keys apart; None when none does."""
    for refusal, fault_in in RULES.items():
        detail = fault_in(case)
        if detail:
            return Refused(case.transaction.key, refusal, detail)
    return None


def apply(case: Case) -> None:
    """Changes the book as the transaction says, which must have been judged."""
    for account, posted, reserved in case.changes:
        holding = case.book.holding(case.transaction.currency, account)
        holding.posted += posted
        holding.reserved += reserved
    if case.pending:
        case.book.settled.add(case.transaction.settles)
    if case.undone:
        case.book.reversed.add(case.transaction.reverses)


def _changes(
    phase: Phase, postings: tuple[Posting, ...], held: tuple[Posting, ...]
) -> Iterator[tuple[AccountName, int, int]]:
    posted = {p.account: p.amount for p in postings} if phase in MOVING else {}
    reserved = {p.account: min(p.amount, 0) for p in held}
    if phase is Phase.PENDING:
        reserved = {p.account: max(-p.amount, 0) for p in postings}
    for account in posted | reserved:
        yield account, posted.get(account, 0), reserved.get(account, 0)


def _currency_invalid(case: Case) -> str:
    code = case.transaction.currency
    sound = len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()
    return "" if sound else f"{code!r} is not a code of three capital letters such as CNY"


def _no_postings(case: Case) -> str:
    missing = not case.transaction.postings and case.transaction.phase not in ENDING
    return "money moves between at least two accounts" if missing else ""


def _account_unknown(case: Case) -> str:
    unknown = [p.account for p in case.transaction.postings if not is_account(p.account)]
    return f"{unknown[0]!r} is not in the chart of accounts" if unknown else ""


def _account_twice(case: Case) -> str:
    accounts = [p.account for p in case.transaction.postings]
    return "an account has one posting at most" if len(set(accounts)) < len(accounts) else ""


def _amount_zero(case: Case) -> str:
    zero = any(p.amount == 0 for p in case.transaction.postings)
    return "a posting of nothing says nothing" if zero else ""


def _amount_overflow(case: Case) -> str:
    over = any(abs(p.amount) > LARGEST_AMOUNT for p in case.transaction.postings)
    return f"an amount is at most {LARGEST_AMOUNT} micros" if over else ""


def _not_balanced(case: Case) -> str:
    total = sum(p.amount for p in case.transaction.postings)
    return f"its postings sum to {total} micros, not to 0" if total else ""


def _pending_unknown(case: Case) -> str:
    key, phase = case.transaction.settles, case.transaction.phase
    if phase not in ENDING:
        return f"{phase} settles nothing" if key else ""
    found = case.pending and case.pending.transaction.phase is Phase.PENDING
    return (
        "" if found else f"there is no pending transaction {key!r} in {case.transaction.currency}"
    )


def _pending_settled(case: Case) -> str:
    settled = case.pending and case.transaction.settles in case.book.settled
    return "it was posted, voided or has expired already" if settled else ""


def _pending_expired(case: Case) -> str:
    late = _has_expired(case) and case.transaction.phase is not Phase.EXPIRE
    return "its time is over" if late else ""


def _not_yet_expired(case: Case) -> str:
    early = case.transaction.phase is Phase.EXPIRE and not _has_expired(case)
    return "its time is not over" if early else ""


def _has_expired(case: Case) -> bool:
    expires_at = case.pending.transaction.expires_at if case.pending else None
    return expires_at is not None and case.now >= expires_at


def _exceeds_pending(case: Case) -> str:
    if not case.pending or not case.transaction.postings:
        return ""
    if case.transaction.phase is not Phase.POST:
        return "it only lets go, so it has no postings of its own"
    held = {p.account: p.amount for p in case.pending.postings}
    within = all(_is_part(p.amount, held.get(p.account, 0)) for p in case.transaction.postings)
    return "" if within else "it posts more, or elsewhere, than was reserved"


def _is_part(amount: int, whole: int) -> bool:
    return (0 < amount <= whole) or (whole <= amount < 0)


def _reversed_unknown(case: Case) -> str:
    key = case.transaction.reverses
    found = case.undone and case.undone.transaction.phase in MOVING
    return (
        f"there is no {key!r} in {case.transaction.currency} that moved money"
        if key and not found
        else ""
    )


def _reversed_already(case: Case) -> str:
    again = case.undone and case.transaction.reverses in case.book.reversed
    return "a transaction is reversed once at most" if again else ""


def _not_a_reversal(case: Case) -> str:
    if not case.undone:
        return ""
    negated = {(p.account, -p.amount) for p in case.undone.postings}
    same = {(p.account, p.amount) for p in case.transaction.postings} == negated
    negates = same and case.transaction.phase is Phase.POSTED
    return "" if negates else "it does not negate, posting by posting, what it reverses"


def _below_zero(case: Case) -> str:
    for account, posted, reserved in case.changes:
        holding = case.book.holding(case.transaction.currency, account)
        left = holding.posted + posted - holding.reserved - reserved
        if left < 0 and posted < reserved and CHART[kind_of(account)].solid:
            return f"{account} would be {left} micros"
    return ""


def _balance_overflow(case: Case) -> str:
    for account, posted, reserved in case.changes:
        holding = case.book.holding(case.transaction.currency, account)
        largest = max(abs(holding.posted + posted), holding.reserved + reserved)
        if largest > LARGEST_AMOUNT:
            return f"{account} would hold more than {LARGEST_AMOUNT} micros"
    return ""


RULES: dict[Refusal, Callable[[Case], str]] = {
    Refusal.CURRENCY_INVALID: _currency_invalid,
    Refusal.NO_POSTINGS: _no_postings,
    Refusal.ACCOUNT_UNKNOWN: _account_unknown,
    Refusal.ACCOUNT_TWICE: _account_twice,
    Refusal.AMOUNT_ZERO: _amount_zero,
    Refusal.AMOUNT_OVERFLOW: _amount_overflow,
    Refusal.NOT_BALANCED: _not_balanced,
    Refusal.PENDING_UNKNOWN: _pending_unknown,
    Refusal.PENDING_SETTLED: _pending_settled,
    Refusal.PENDING_EXPIRED: _pending_expired,
    Refusal.NOT_YET_EXPIRED: _not_yet_expired,
    Refusal.EXCEEDS_PENDING: _exceeds_pending,
    Refusal.REVERSED_UNKNOWN: _reversed_unknown,
    Refusal.REVERSED_ALREADY: _reversed_already,
    Refusal.NOT_A_REVERSAL: _not_a_reversal,
    Refusal.BELOW_ZERO: _below_zero,
    Refusal.BALANCE_OVERFLOW: _balance_overflow,
}
"""Each answers what is wrong, or "". A rule may rely on all before it having found nothing."""
