"""Entries of the ledger as rows, and the reads that judging, listing and verifying share.

Never here: what may be written (`affiliate.admission`). The one surprising fact: nothing is kept
twice. A transaction is put together again from its columns and postings, so its hash also seals
every column.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, union

from adserver.stores.ledger_tables import (
    LEDGER_BALANCES,
    LEDGER_CLOSINGS,
    LEDGER_HEADS,
    LEDGER_POSTINGS,
    LEDGER_TRANSACTIONS,
)
from affiliate.admission import ENDING, MOVING, Book, Head, Holding
from affiliate.calendar import Period
from affiliate.chart_of_accounts import AccountName
from affiliate.ledger import Balance, Entry, Phase, Posting, Reason, Transaction
from models.domain.money import Micros

PAGE = 5_000
_MOST_PARAMETERS = 10_000

_T, _P, _B = LEDGER_TRANSACTIONS.c, LEDGER_POSTINGS.c, LEDGER_BALANCES.c


def transaction_row(entry: Entry) -> dict[str, Any]:
    """The row of an entry."""
    said = entry.transaction
    return {
        "currency": said.currency,
        "seq": entry.seq,
        "key": said.key,
        "phase": said.phase.value,
        "reason": said.reason.value,
        "occurred_at": said.occurred_at,
        "committed_at": entry.committed_at,
        "period": entry.period,
        "settles": said.settles or None,
        "in_part": said.phase in ENDING and bool(said.postings),
        "expires_at": said.expires_at,
        "reverses": said.reverses or None,
        "refs": json.dumps(said.refs, separators=(",", ":")),
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def posting_rows(entry: Entry) -> Iterator[dict[str, Any]]:
    """The rows of what an entry moves, reserves or lets go."""
    for position, posting in enumerate(entry.postings):
        yield {
            "currency": entry.transaction.currency,
            "seq": entry.seq,
            "position": position,
            "account": posting.account,
            "period": entry.period,
            "moves": entry.transaction.phase in MOVING,
            "amount": posting.amount,
        }


def entry_of(row: Row[Any], postings: tuple[Posting, ...]) -> Entry:
    """The entry of a row and its postings."""
    phase = Phase(row.phase)
    transaction = Transaction(
        key=row.key,
        currency=row.currency,
        reason=Reason(row.reason),
        occurred_at=row.occurred_at,
        postings=postings if phase not in ENDING or row.in_part else (),
        phase=phase,
        settles=row.settles or "",
        expires_at=row.expires_at,
        reverses=row.reverses or "",
        refs=tuple((name, value) for name, value in json.loads(row.refs)),
    )
    return Entry(
        transaction, row.seq, row.period, row.committed_at, row.previous_hash, row.hash, postings
    )


def _posting(account: str, amount: object) -> Posting:
    """Raises TypeError where somebody wrote into the table what is no whole number."""
    if not isinstance(amount, int):
        raise TypeError(f"{amount!r} is not an amount")
    return Posting(AccountName(account), Micros(amount))


def batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Values in pieces that one statement can take, each value once."""
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), _MOST_PARAMETERS):
        yield unique[start : start + _MOST_PARAMETERS]


def with_postings(connection: Connection, rows: Sequence[Row[Any]]) -> list[Entry]:
    """The entries of some rows."""
    places = sorted({(row.currency, row.seq) for row in rows})
    found: dict[tuple[str, int], list[Posting]] = {place: [] for place in places}
    for currency, own in groupby(places, itemgetter(0)):
        for seqs in batches(seq for _, seq in own):
            query = select(_P.seq, _P.account, _P.amount).where(
                _P.currency == currency, _P.seq.in_(seqs)
            )
            for seq, account, amount in connection.execute(query.order_by(_P.seq, _P.position)):
                found[currency, seq].append(_posting(account, amount))
    return [entry_of(row, tuple(found[row.currency, row.seq])) for row in rows]


def entries_of(connection: Connection, keys: Iterable[str]) -> dict[str, Entry]:
    """The entries with these keys, as far as there are any."""
    rows: list[Row[Any]] = []
    for some in batches(keys):
        rows += connection.execute(select(LEDGER_TRANSACTIONS).where(_T.key.in_(some)))
    return {entry.transaction.key: entry for entry in with_postings(connection, rows)}


def book_for(connection: Connection, transactions: Sequence[Transaction]) -> Book:
    """What must be known to judge these transactions."""
    settling = {one.settles for one in transactions if one.settles}
    reversing = {one.reverses for one in transactions if one.reverses}
    keys = [one.key for one in transactions if one.key.isprintable()]
    named = [key for key in settling | reversing if key.isprintable()]
    known = entries_of(connection, [*keys, *named])
    book = Book(
        known,
        settled=_used(connection, _T.settles, settling & known.keys()),
        reversed=_used(connection, _T.reverses, reversing & known.keys()),
    )
    wanted = {(one.currency, p.account) for one in transactions for p in one.postings}
    wanted |= {
        (known[key].transaction.currency, p.account)
        for key in settling & known.keys()
        for p in known[key].postings
    }
    for currency in sorted({one.currency for one in transactions}):
        if not currency.isprintable():
            continue
        book.heads[currency] = head_of(connection, currency)
        accounts = (name for code, name in wanted if code == currency and name.isprintable())
        book.holdings |= _holdings(connection, currency, accounts)
    return book


def _used(connection: Connection, column: Any, keys: Collection[str]) -> set[str]:
    found: set[str] = set()
    for some in batches(keys):
        found |= set(connection.execute(select(column).where(column.in_(some))).scalars())
    return found


def _holdings(
    connection: Connection, currency: str, accounts: Iterable[AccountName]
) -> dict[tuple[str, AccountName], Holding]:
    found = {}
    for some in batches(accounts):
        query = select(_B.account, _B.posted, _B.reserved).where(
            _B.currency == currency, _B.account.in_(some)
        )
        for account, posted, reserved in connection.execute(query):
            found[currency, account] = Holding(posted, reserved)
    return found


def head_of(connection: Connection, currency: str) -> Head:
    """Where a currency's chain ends, and its last closed month."""
    closed = select(func.max(LEDGER_CLOSINGS.c.period)).where(
        LEDGER_CLOSINGS.c.currency == currency
    )
    heads = LEDGER_HEADS.c
    query = select(heads.seq, heads.hash).where(heads.currency == currency)
    place = connection.execute(query).one_or_none()
    through = connection.execute(closed).scalar()
    closed_through = Period(through) if through else None
    return Head(place.seq, place.hash, closed_through) if place else Head(0, "", closed_through)


def pages(
    connection: Connection,
    currency: str,
    *,
    period: Period | None = None,
    accounts: Collection[AccountName] = (),
    after_seq: int = 0,
) -> Iterator[list[Entry]]:
    """A currency's entries in their order, a page at a time; those of a month, of some accounts.

    Each page is read whole before it is given out, so the connection is free meanwhile.
    """
    while True:
        rows = connection.execute(_page(currency, period, accounts, after_seq)).all()
        if not rows:
            return
        after_seq = rows[-1].seq
        yield with_postings(connection, rows) if accounts or period else _in_a_row(connection, rows)


def run_of(connection: Connection, currency: str, first: int, last: int) -> list[Entry]:
    """The entries from one place to another, as far as they are there.

    Raises:
        ValueError, TypeError: somebody changed a row to what no entry has.
    """
    query = select(LEDGER_TRANSACTIONS).where(_T.currency == currency, _T.seq.between(first, last))
    return _in_a_row(connection, connection.execute(query.order_by(_T.seq)).all())


def _in_a_row(connection: Connection, rows: Sequence[Row[Any]]) -> list[Entry]:
    """As `with_postings`, for rows that follow each other: one range instead of many places."""
    found: dict[int, list[Posting]] = {row.seq: [] for row in rows}
    query = (
        select(_P.seq, _P.account, _P.amount)
        .where(_P.currency == rows[0].currency, _P.seq.between(rows[0].seq, rows[-1].seq))
        .order_by(_P.seq, _P.position)
    )
    for seq, account, amount in connection.execute(query):
        found.setdefault(seq, []).append(_posting(account, amount))
    return [entry_of(row, tuple(found[row.seq])) for row in rows]


def _page(
    currency: str, period: Period | None, accounts: Collection[AccountName], after_seq: int
) -> Select[Any]:
    query = select(LEDGER_TRANSACTIONS).where(_T.currency == currency, _T.seq > after_seq)
    if period is not None:
        query = query.where(_T.period == period)
    if accounts:
        of_accounts = select(_P.seq).where(
            _P.currency == currency, _P.account.in_(list(accounts)), _P.seq > after_seq
        )
        if period is not None:
            of_accounts = of_accounts.where(_P.period == period)
        query = query.where(_T.seq.in_(of_accounts))
    return query.order_by(_T.seq).limit(PAGE)


def holdings_of(connection: Connection, currency: str, kind: str = "") -> list[Balance]:
    """Each account that ever had a posting, ordered by name; those of one kind."""
    query = select(_B.account, _B.posted, _B.reserved).where(_B.currency == currency)
    if kind:
        owned = _B.account.startswith(f"{kind}:", autoescape=True)
        query = query.where((_B.account == kind) | owned)
    found = [Balance(*row) for row in connection.execute(query)]
    return sorted(found, key=lambda balance: balance.account)


def currencies(connection: Connection) -> list[str]:
    """The currencies in which there is anything, in whichever table."""
    tables = (
        LEDGER_TRANSACTIONS,
        LEDGER_POSTINGS,
        LEDGER_CLOSINGS,
        LEDGER_BALANCES,
        LEDGER_HEADS,
    )
    return sorted(connection.execute(union(*(select(t.c.currency) for t in tables))).scalars())


def size_of(connection: Connection, currency: str) -> int:
    """About how many entries a currency has, for progress bars."""
    return head_of(connection, currency).seq
