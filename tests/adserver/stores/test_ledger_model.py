"""The ledger against a naive one: a dictionary, a list, and no cleverness."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings, strategies as st

from adserver.stores import migrations
from adserver.stores.database import connect_url
from adserver.stores.ledger import SqlLedger
from affiliate.chart_of_accounts import AccountName
from affiliate.ledger import Outcome, Phase, Posting, Refused, Transaction
from models.domain.money import Micros
from tests.affiliate.bookings import BANK, NOW, PARTNER, PAYABLE, POOL, ZONE, booking, postings

SOLID = {POOL, PAYABLE}
MINUTE = timedelta(minutes=1)
FILLED = booking("filled", postings=postings(bank=-300, pool=200, payable=100))
ACCOUNTS = [BANK, POOL, PARTNER, PAYABLE]


class NaiveLedger:
    """What the ledger should do, in as few words as possible; it knows only sound bodies."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.moved: dict[str, dict[str, int]] = {}
        self.held: dict[str, tuple[dict[str, int], datetime | None]] = {}
        self.settled: set[str] = set()
        self.reversed: set[str] = set()

    def posted(self, account: str) -> int:
        return sum(postings.get(account, 0) for postings in self.moved.values())

    def reserved(self, account: str) -> int:
        held = [post for key, (post, _) in self.held.items() if key not in self.settled]
        return sum(-min(postings.get(account, 0), 0) for postings in held)

    def submit(self, one: Transaction, now: datetime) -> str:
        if one.key in self.bodies:
            return "again" if self.bodies[one.key] == one.body() else "key_reused"
        own = {p.account: p.amount for p in one.postings}
        refusal = self.refusal(one, own, now) or self.below_zero(one, own)
        if not refusal:
            self.bodies[one.key] = one.body()
            self.take(one, own)
        return refusal

    def take(self, one: Transaction, own: dict[str, int]) -> None:
        if one.phase is Phase.PENDING:
            self.held[one.key] = own, one.expires_at
        if one.phase is Phase.POSTED:
            self.moved[one.key] = own
        if one.phase is Phase.POST:
            self.moved[one.key] = own or self.held[one.settles][0]
        if one.settles:
            self.settled.add(one.settles)
        if one.reverses:
            self.reversed.add(one.reverses)

    def refusal(self, one: Transaction, own: dict[str, int], now: datetime) -> str:
        if sum(own.values()):
            return "not_balanced"
        if one.settles:
            return self.settling(one, own, now)
        if one.reverses:
            return self.reversing(one, own)
        return ""

    def settling(self, one: Transaction, own: dict[str, int], now: datetime) -> str:
        if one.settles not in self.held:
            return "pending_unknown"
        if one.settles in self.settled:
            return "pending_settled"
        held, expires_at = self.held[one.settles]
        over = expires_at is not None and expires_at <= now
        if one.phase is Phase.EXPIRE:
            return "" if over else "not_yet_expired"
        if over:
            return "pending_expired"
        inside = all(
            0 < amount * held.get(name, 0) <= held.get(name, 0) ** 2 for name, amount in own.items()
        )
        return "" if inside else "exceeds_pending"

    def reversing(self, one: Transaction, own: dict[str, int]) -> str:
        if one.reverses not in self.moved:
            return "reversed_unknown"
        if one.reverses in self.reversed:
            return "reversed_already"
        negated = {name: -amount for name, amount in self.moved[one.reverses].items()}
        return "" if own == negated else "not_a_reversal"

    def below_zero(self, one: Transaction, own: dict[str, int]) -> str:
        before = {account: self.posted(account) - self.reserved(account) for account in SOLID}
        trial = NaiveLedger()
        trial.moved, trial.held = dict(self.moved), dict(self.held)
        trial.settled = set(self.settled)
        trial.take(one, own)
        after = {account: trial.posted(account) - trial.reserved(account) for account in SOLID}
        fell = [name for name in SOLID if after[name] < 0 and after[name] < before[name]]
        return "below_zero" if fell else ""


@dataclass(frozen=True)
class Step:
    """What somebody tries: `pick` chooses among what is there, `part` of five what is posted."""

    what: str
    pick: int
    part: int
    postings: tuple[Posting, ...]
    expires_in: int | None
    wait: int


@st.composite
def postings_drawn(draw: st.DrawFn) -> tuple[Posting, ...]:
    """Of two to four accounts; one time in ten they do not sum to zero."""
    names = draw(st.lists(st.sampled_from(ACCOUNTS), min_size=2, max_size=4, unique=True))
    amounts = [draw(st.integers(-40, 60).filter(bool)) for _ in names[1:]]
    rest = -sum(amounts) + draw(st.sampled_from([0] * 9 + [1]))
    return tuple(
        Posting(name, Micros(amount))
        for name, amount in zip(names, [*amounts, rest or 1], strict=True)
    )


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["hold", "post", "hold", "void", "expire", "book", "reverse", "replay"]),
        st.integers(0, 20),
        st.integers(0, 6),
        postings_drawn(),
        st.sampled_from([None, 3, 10]),
        st.integers(0, 3),
    ),
    min_size=12,
    max_size=30,
)


def chosen(names: Iterable[str], pick: int) -> str:
    """One of those that are there, the newest more often; and sometimes one that is not."""
    there = [*names]
    return there[-1 - pick % len(there)] if there and pick < 20 else "never"


def attempt(step: Step, naive: NaiveLedger, done: list[Transaction], now: datetime) -> Transaction:
    """The transaction that the step is, as things are."""
    key = f"k{len(done)}"
    if step.what == "replay":
        again = done[step.pick % len(done)]
        return replace(again, refs=(("other", "body"),)) if step.part == 0 else again
    if step.what == "reverse":
        undone = chosen(naive.moved, step.pick)
        own = naive.moved.get(undone) if step.part else None
        return booking(key, postings=negated(own) or step.postings, reverses=undone)
    if step.what == "book":
        return booking(key, postings=step.postings)
    if step.what == "hold":
        expires_at = None if step.expires_in is None else now + step.expires_in * MINUTE
        hold = booking(key, postings=step.postings, phase=Phase.PENDING)
        return replace(hold, expires_at=expires_at)
    settles = chosen(naive.held, step.pick)
    own = {}
    if step.what == "post" and settles in naive.held and step.part:
        own = {name: amount * step.part // 5 for name, amount in naive.held[settles][0].items()}
    part = tuple(Posting(AccountName(n), Micros(a)) for n, a in own.items() if a)
    return booking(key, postings=part, phase=Phase(step.what), settles=settles)


def negated(own: dict[str, int] | None) -> tuple[Posting, ...]:
    return tuple(Posting(AccountName(name), Micros(-a)) for name, a in (own or {}).items())


@cache
def empty_file() -> bytes:
    """A migrated database, made once: every example begins with a copy."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "ledger.sqlite"
        engine = connect_url(f"sqlite:///{file}")
        migrations.upgrade(engine)
        engine.dispose()
        return file.read_bytes()


@contextmanager
def empty_ledger() -> Iterator[SqlLedger]:
    with TemporaryDirectory() as directory:
        file = Path(directory) / "ledger.sqlite"
        file.write_bytes(empty_file())
        engine = connect_url(f"sqlite:///{file}")
        yield SqlLedger(engine, ZONE)
        engine.dispose()


def said(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return outcome.refusal.value
    return "again" if outcome.again else ""


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_the_ledger_does_what_a_naive_one_does(steps: list[Step]) -> None:
    naive, now, done = NaiveLedger(), NOW, [FILLED]
    naive.submit(done[0], now)
    with empty_ledger() as ledger:
        ledger.submit(done, now)
        for step in steps:
            now += step.wait * MINUTE
            one = attempt(step, naive, done, now)
            done.append(one)
            assert said(ledger.submit([one], now)[0]) == naive.submit(one, now)
        for account in ACCOUNTS:
            held = ledger.balance(account, "CNY")
            assert (held.posted, held.reserved) == (naive.posted(account), naive.reserved(account))
        assert sum(held.posted for held in ledger.balances("CNY")) == 0
        verified = ledger.verify("CNY")
        assert (verified.entries, verified.faults) == (len(naive.bodies), ())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, size=st.integers(2, 9))
def test_batches_end_as_one_by_one(steps: list[Step], size: int) -> None:
    naive, done = NaiveLedger(), [FILLED]
    answers = [naive.submit(done[0], NOW)]
    for step in steps:
        done.append(attempt(step, naive, done, NOW))
        answers.append(naive.submit(done[-1], NOW))
    with empty_ledger() as ledger:
        batches = [done[start : start + size] for start in range(0, len(done), size)]
        found = [said(outcome) for batch in batches for outcome in ledger.submit(batch, NOW)]
        assert found == answers
        for account in ACCOUNTS:
            held = ledger.balance(account, "CNY")
            assert (held.posted, held.reserved) == (naive.posted(account), naive.reserved(account))
        assert ledger.verify("CNY").faults == ()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_linked_ones_go_in_all_or_not_at_all(steps: list[Step]) -> None:
    """What was judged one by one is tried as one group: in when all were taken, else nothing."""
    naive, done = NaiveLedger(), [FILLED]
    answers = [naive.submit(done[0], NOW)]
    for step in steps:
        done.append(attempt(step, naive, done, NOW))
        answers.append(naive.submit(done[-1], NOW))
    with empty_ledger() as ledger:
        found = [said(outcome) for outcome in ledger.submit(done, NOW, linked=True)]
        refused = [answer for answer in answers if answer not in ("", "again")]
        assert found == answers if not refused else refused[0] in found
        assert ledger.verify("CNY").entries == (0 if refused else len(naive.bodies))
