"""Walks the whole ledger again and lists what cannot be.

Never here: a repair. The one surprising fact: the walk trusts nothing that is kept beside the
entries. It judges every entry by the rules that appending goes by, and works the balances out
anew; the cached ones are only compared.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from adserver.stores import ledger_rows
from adserver.stores.ledger_tables import LEDGER_CLOSINGS, LEDGER_POSTINGS, LEDGER_TRANSACTIONS
from affiliate.admission import MOVING, Book, Case, Holding, apply, case_of, judge, key_fault
from affiliate.ledger import NO_HASH, Entry, Fault, Refusal, Verified, seal

Progress = Callable[[int], None]
"""Told how many entries have been looked at so far."""

MOST_FAULTS = 1_000
_UNREADABLE = (ValueError, TypeError, KeyError, OverflowError)


def verify(connection: Connection, currency: str, progress: Progress) -> Verified:
    """Looks at every entry of a currency: the chain, the sums, the rules, the caches.

    A thousand faults are listed at most.
    """
    walk = _Walk(connection, currency)
    for page in _pages(connection, currency):
        walk.prepare(page)
        for seq, entry in page:
            walk.look_at(seq, entry)
        progress(walk.entries)
    walk.finish()
    for fault in _faults_in_rows(connection, currency):
        walk.note(fault.seq, fault.what)
    return Verified(walk.entries, walk.last_hash, tuple(walk.faults))


class _Walk:
    """What was seen so far."""

    def __init__(self, connection: Connection, currency: str) -> None:
        self._connection = connection
        self._currency = currency
        self._book = Book()
        self._closings = _closings(connection, currency)
        self._closed_through = ""
        self._last_seq = 0
        self.last_hash = NO_HASH
        self.entries = 0
        self.faults: list[Fault] = []

    def note(self, seq: int, what: str) -> None:
        """Lists a fault, unless there are very many."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(seq, what))

    def prepare(self, page: list[tuple[int, Entry | str]]) -> None:
        """Gets what the page's entries settle and reverse."""
        said = [entry.transaction for _, entry in page if isinstance(entry, Entry)]
        named = {key for one in said for key in (one.settles, one.reverses) if key}
        self._book.known = _readable(self._connection, sorted(named))

    def look_at(self, seq: int, entry: Entry | str) -> None:
        """Everything that can be wrong with the next entry; a text is why it cannot be read."""
        if seq != self._last_seq + 1:
            self.note(seq, f"entries {self._last_seq + 1} to {seq - 1} before it are missing")
        elif isinstance(entry, Entry) and entry.previous_hash != self.last_hash:
            self.note(seq, "does not carry the hash of the entry before it")
        self._last_seq = seq
        self.entries += 1
        if isinstance(entry, str):
            self.note(seq, entry)
        else:
            self.last_hash = entry.hash
            try:
                self._look_into(entry)
            except _UNREADABLE as error:
                self.note(seq, f"cannot be judged: {error}")
        self._pass_closings()

    def _look_into(self, entry: Entry) -> None:
        body = entry.transaction.body()
        sealed = seal(
            entry.previous_hash, entry.seq, entry.period, entry.committed_at, body, entry.postings
        )
        if sealed != entry.hash:
            self.note(entry.seq, "is not what was sealed: its hash is another")
        total = sum(posting.amount for posting in entry.postings)
        if total:
            self.note(entry.seq, f"its postings sum to {total} micros, not to 0")
        if not entry.postings:
            self.note(entry.seq, "has no postings")
        if entry.period <= self._closed_through:
            self.note(
                entry.seq, f"came into {entry.period} after {self._closed_through} was closed"
            )
        self._judge(entry, case_of(self._book, entry.transaction, entry.committed_at))

    def _judge(self, entry: Entry, case: Case) -> None:
        refused = key_fault(entry.transaction) or judge(case)
        if refused and refused.refusal is not Refusal.NOT_BALANCED:  # its sum was looked at
            self.note(entry.seq, f"{refused.refusal}: {refused.detail}")
        if set(case.postings) != set(entry.postings):
            self.note(entry.seq, "its postings are not those of what it settles")
        if any(named and named.seq >= entry.seq for named in (case.pending, case.undone)):
            self.note(entry.seq, "settles or reverses what came later")
        apply(case)

    def _pass_closings(self) -> None:
        while self._closings and self._closings[0].seq <= self._last_seq:
            closing = self._closings.pop(0)
            self._closed_through = closing.period
            if closing.seq == self._last_seq and closing.hash != self.last_hash:
                self.note(closing.seq, f"{closing.period} was closed on another hash")

    def finish(self) -> None:
        """Compares what the walk came to with what is kept beside the entries."""
        head = ledger_rows.head_of(self._connection, self._currency)
        if (head.seq, head.hash) != (self._last_seq, self.last_hash):
            what = f"the ledger ended on entry {head.seq} with hash {head.hash or 'none'}"
            self.note(self._last_seq, f"is the last one, but {what}")
        for closing in self._closings:
            if closing.seq:
                self.note(closing.seq, f"{closing.period} was closed on it, and it is missing")
        self._compare_balances()

    def _compare_balances(self) -> None:
        cached = {
            held.account: (held.posted, held.reserved)
            for held in ledger_rows.holdings_of(self._connection, self._currency)
        }
        counted = {
            account: (held.posted, held.reserved)
            for (_, account), held in self._book.holdings.items()
        }
        nothing = Holding()
        for account in sorted(cached.keys() | counted.keys()):
            kept = cached.get(account)
            found = counted.get(account, (nothing.posted, nothing.reserved))
            if kept != found:
                self.note(0, f"balance of {account}: kept {kept}, its postings come to {found}")


def _closings(connection: Connection, currency: str) -> list[Any]:
    table = LEDGER_CLOSINGS.c
    query = select(table.seq, table.period, table.hash).where(table.currency == currency)
    return list(connection.execute(query.order_by(table.period)))


def _pages(connection: Connection, currency: str) -> Iterator[list[tuple[int, Entry | str]]]:
    """All entries in their order, a page at a time; for one that cannot be read, why."""
    table, after = LEDGER_TRANSACTIONS.c, 0
    while True:
        query = select(table.seq).where(table.currency == currency, table.seq > after)
        page = connection.execute(query.order_by(table.seq).limit(ledger_rows.PAGE))
        seqs = list(page.scalars())
        if not seqs:
            return
        after = seqs[-1]
        try:
            found = ledger_rows.run_of(connection, currency, seqs[0], seqs[-1])
            yield [(entry.seq, entry) for entry in found]
        except _UNREADABLE:
            yield [(seq, _read(connection, currency, seq)) for seq in seqs]


def _readable(connection: Connection, keys: Sequence[str]) -> dict[str, Entry]:
    """The entries with these keys; one that cannot be read is left out, and halves find it."""
    try:
        return ledger_rows.entries_of(connection, keys)
    except _UNREADABLE:
        half = len(keys) // 2
        if not half:
            return {}
        return _readable(connection, keys[:half]) | _readable(connection, keys[half:])


def _read(connection: Connection, currency: str, seq: int) -> Entry | str:
    try:
        return ledger_rows.run_of(connection, currency, seq, seq)[0]
    except _UNREADABLE as error:
        return f"cannot be read: {error}"


def _faults_in_rows(connection: Connection, currency: str) -> Iterator[Fault]:
    """What a walk along the transactions does not see."""
    t, p = LEDGER_TRANSACTIONS.c, LEDGER_POSTINGS.c
    joined = LEDGER_POSTINGS.outerjoin(
        LEDGER_TRANSACTIONS, and_(t.currency == p.currency, t.seq == p.seq)
    )
    moves = t.phase.in_([phase.value for phase in MOVING])
    strange = or_(t.seq.is_(None), p.period != t.period, p.moves != moves)
    query = select(p.seq, t.key).select_from(joined).where(p.currency == currency, strange)
    for seq, key in connection.execute(query.order_by(p.seq).limit(MOST_FAULTS)):
        what = "a posting is of another month or phase" if key else "a posting has no transaction"
        yield Fault(seq, what)
    double = select(t.key, func.max(t.seq)).group_by(t.key).having(func.count() > 1)
    for key, seq in connection.execute(double.limit(MOST_FAULTS)):
        yield Fault(seq, f"the key {key!r} is there twice")
