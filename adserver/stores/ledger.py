"""The ledger in the SQL database: appended to, read, closed.

Never here: what is refused (`affiliate.admission`). The one surprising fact: a `Journal` works on
somebody's open transaction, so that an order, the row it changes and the money it moves are
committed together; `SqlLedger` is for those who have nothing else to write.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, Table, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from adserver.config import Settings
from adserver.stores import database, ledger_export, ledger_rows, migrations
from adserver.stores.ledger_tables import (
    LEDGER_BALANCES,
    LEDGER_CLOSINGS,
    LEDGER_HEADS,
    LEDGER_LOCK,
    LEDGER_POSTINGS,
    LEDGER_TRANSACTIONS,
)
from adserver.stores.ledger_verify import Progress, verify
from affiliate.admission import MOVING, Book, enter
from affiliate.calendar import Period
from affiliate.chart_of_accounts import AccountName, Kind
from affiliate.ledger import (
    Balance,
    Entry,
    Outcome,
    Phase,
    Posting,
    Reason,
    Refusal,
    Refused,
    Taken,
    Transaction,
    Verified,
)
from models.domain.money import Micros

Refs = Sequence[tuple[str, str]]


def open_ledger(settings: Settings) -> "SqlLedger":
    """The ledger that the settings name, its schema brought up to date.

    Raises:
        SettingError: no usable database address.
    """
    engine = database.connect(settings)
    migrations.upgrade(engine)
    return SqlLedger(engine, ZoneInfo(settings.time_zone))


class Journal:
    """The ledger on an open writing connection; `zone` says which month an instant is of."""

    def __init__(self, connection: Connection, zone: tzinfo) -> None:
        self._connection = connection
        self._zone = zone

    def lock(self) -> None:
        """Makes other writers wait until this transaction ends: first in any money transaction.

        On SQLite `database.writing` has done so already.
        """
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(select(LEDGER_LOCK.c.id).with_for_update())

    def append(
        self, transactions: Sequence[Transaction], now: datetime, *, linked: bool = False
    ) -> list[Outcome]:
        """Enters transactions one after the other; answers what became of each, in their order.

        What is refused changes nothing. `linked`: one refusal refuses all that are new.
        """
        self.lock()
        book = ledger_rows.book_for(self._connection, transactions)
        found = [enter(book, one, now, self._zone) for one in transactions]
        if linked and any(isinstance(one, Refused) for one in found):
            return _refused_together(found)
        self._write([one for one in found if isinstance(one, Entry)], book)
        return [_outcome(one) for one in found]

    def reverse(
        self, key: str, *, new_key: str, now: datetime, occurred_at: datetime, refs: Refs = ()
    ) -> Outcome:
        """Negates an entry by a new transaction; once at most."""
        self.lock()
        entry = self.entry(key)
        if entry is None or entry.transaction.phase not in MOVING:
            detail = f"there is no {key!r} that moved money"
            return Refused(new_key, Refusal.REVERSED_UNKNOWN, detail)
        negation = Transaction(
            key=new_key,
            currency=entry.transaction.currency,
            reason=Reason.REVERSAL,
            occurred_at=occurred_at,
            postings=tuple(Posting(p.account, Micros(-p.amount)) for p in entry.postings),
            reverses=key,
            refs=tuple(refs),
        )
        return self.append([negation], now)[0]

    def expire_due(self, now: datetime) -> list[Outcome]:
        """Ends every pending transaction whose time is over and which nobody ended."""
        self.lock()
        due = ledger_rows.entries_of(self._connection, self._keys_due(now))
        return self.append([_expiry(due[key]) for key in sorted(due)], now)

    def balance(self, account: AccountName, currency: str) -> Balance:
        """What one account has; nothing when it never had a posting."""
        table = LEDGER_BALANCES.c
        query = select(table.posted, table.reserved).where(
            table.currency == currency, table.account == account
        )
        row = self._connection.execute(query).one_or_none()
        return Balance(account, Micros(row[0]), Micros(row[1])) if row else Balance(account)

    def balances(self, currency: str, kind: Kind | None = None) -> list[Balance]:
        """Every account that ever had a posting, ordered by name; those of one kind."""
        return ledger_rows.holdings_of(self._connection, currency, kind or "")

    def closed_through(self, currency: str) -> Period | None:
        """The last month that is closed."""
        return ledger_rows.head_of(self._connection, currency).closed_through

    def close_through(self, currency: str, period: Period, now: datetime) -> str:
        """Closes a month and all before it; answers the hash it ends on. Again changes nothing."""
        self.lock()
        table = LEDGER_CLOSINGS.c
        closed = (
            select(table.hash)
            .where(table.currency == currency, table.period >= period)
            .order_by(table.period)
        )
        there: str | None = self._connection.execute(closed).scalars().first()
        if there is not None:
            return there
        head = ledger_rows.head_of(self._connection, currency)
        row = {"currency": currency, "period": period, "seq": head.seq, "hash": head.hash}
        self._connection.execute(insert(LEDGER_CLOSINGS), [row | {"closed_at": now}])
        return head.hash

    def entry(self, key: str) -> Entry | None:
        """The entry of a key."""
        return ledger_rows.entries_of(self._connection, [key]).get(key)

    def entries(
        self,
        currency: str,
        *,
        period: Period | None = None,
        accounts: Collection[AccountName] = (),
        after_seq: int = 0,
    ) -> Iterator[Entry]:
        """Entries in their order: of a month, with a posting on one of some accounts."""
        for page in ledger_rows.pages(
            self._connection, currency, period=period, accounts=accounts, after_seq=after_seq
        ):
            yield from page

    def _keys_due(self, now: datetime) -> list[str]:
        pending = LEDGER_TRANSACTIONS.alias()
        settled = select(LEDGER_TRANSACTIONS.c.seq).where(
            LEDGER_TRANSACTIONS.c.settles == pending.c.key
        )
        query = select(pending.c.key).where(
            pending.c.phase == Phase.PENDING.value, pending.c.expires_at <= now, ~settled.exists()
        )
        return list(self._connection.execute(query).scalars())

    def _write(self, entries: Sequence[Entry], book: Book) -> None:
        if not entries:
            return
        execute, dialect = self._connection.execute, self._connection.dialect.name
        execute(insert(LEDGER_TRANSACTIONS), [ledger_rows.transaction_row(one) for one in entries])
        postings = [row for one in entries for row in ledger_rows.posting_rows(one)]
        execute(insert(LEDGER_POSTINGS), postings)
        execute(_upsert(dialect, LEDGER_BALANCES), _balance_rows(entries, book))
        currencies = sorted({one.transaction.currency for one in entries})
        heads = [(code, book.heads[code]) for code in currencies]
        rows = [{"currency": code, "seq": head.seq, "hash": head.hash} for code, head in heads]
        execute(_upsert(dialect, LEDGER_HEADS), rows)


class SqlLedger:
    """The ledger for those who write nothing else: each call is a transaction of its own."""

    def __init__(self, engine: Engine, zone: tzinfo) -> None:
        self._engine = engine
        self._zone = zone

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def submit(
        self, transactions: Sequence[Transaction], now: datetime, linked: bool = False
    ) -> list[Outcome]:
        """`Journal.append`, durable when it answers."""
        with database.writing(self._engine) as connection:
            return Journal(connection, self._zone).append(transactions, now, linked=linked)

    def reverse(
        self, key: str, *, new_key: str, now: datetime, occurred_at: datetime, refs: Refs = ()
    ) -> Outcome:
        """`Journal.reverse`, durable when it answers."""
        with database.writing(self._engine) as connection:
            return Journal(connection, self._zone).reverse(
                key, new_key=new_key, now=now, occurred_at=occurred_at, refs=refs
            )

    def expire_due(self, now: datetime) -> list[Outcome]:
        """`Journal.expire_due`, durable when it answers."""
        with database.writing(self._engine) as connection:
            return Journal(connection, self._zone).expire_due(now)

    def balance(self, account: AccountName, currency: str) -> Balance:
        """What one account has."""
        with database.reading(self._engine) as connection:
            return Journal(connection, self._zone).balance(account, currency)

    def balances(self, currency: str, kind: Kind | None = None) -> list[Balance]:
        """Every account that ever had a posting, ordered by name; those of one kind."""
        with database.reading(self._engine) as connection:
            return Journal(connection, self._zone).balances(currency, kind)

    def entries(
        self,
        currency: str,
        *,
        period: Period | None = None,
        accounts: Collection[AccountName] = (),
        after_seq: int = 0,
    ) -> Iterator[Entry]:
        """`Journal.entries` of one state of the database, streamed."""
        with database.reading(self._engine) as connection:
            yield from Journal(connection, self._zone).entries(
                currency, period=period, accounts=accounts, after_seq=after_seq
            )

    def verify(self, currency: str, progress: Progress = lambda _done: None) -> Verified:
        """Walks the whole ledger of a currency again; answers what cannot be."""
        with database.reading(self._engine) as connection:
            return verify(connection, currency, progress)

    def size(self, currency: str) -> int:
        """About how many entries a currency has, for progress bars."""
        with database.reading(self._engine) as connection:
            return ledger_rows.size_of(connection, currency)

    def beancount(self, currencies: Sequence[str]) -> Iterator[tuple[int, str]]:
        """`ledger_export.beancount` of one state of the database, streamed."""
        with database.reading(self._engine) as connection:
            yield from ledger_export.beancount(connection, currencies, self._zone)

    def csv_rows(self, currencies: Sequence[str]) -> Iterator[Sequence[object]]:
        """`ledger_export.csv_rows` of one state of the database, streamed."""
        with database.reading(self._engine) as connection:
            yield from ledger_export.csv_rows(connection, currencies)

    def currencies(self) -> list[str]:
        """The currencies in which there is anything."""
        with database.reading(self._engine) as connection:
            return ledger_rows.currencies(connection)


@cache
def _upsert(dialect: str, table: Table) -> Any:
    """Inserts rows, or changes those that are there. Made once: building it takes its time."""
    insert_into: Callable[[Any], Any] = (postgresql if dialect == "postgresql" else sqlite).insert
    statement = insert_into(table)
    keys = [column.name for column in table.primary_key]
    others = {c.name: statement.excluded[c.name] for c in table.c if c.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


def _outcome(found: Entry | Outcome) -> Outcome:
    return Taken(found.transaction.key, found.seq) if isinstance(found, Entry) else found


def _refused_together(found: Sequence[Entry | Outcome]) -> list[Outcome]:
    """The first refusal stays, what was there before stays, all else is refused for its sake."""
    first = next(one for one in found if isinstance(one, Refused))
    detail = f"{first.key!r} was refused: {first.refusal}"
    new = {one.transaction.key for one in found if isinstance(one, Entry)}

    def together(one: Entry | Outcome) -> Outcome:
        if isinstance(one, Entry):
            return Refused(one.transaction.key, Refusal.LINKED, detail)
        stays = one is first or (isinstance(one, Taken) and one.key not in new)
        return one if stays else Refused(one.key, Refusal.LINKED, detail)

    return [together(one) for one in found]


def _expiry(pending: Entry) -> Transaction:
    said = pending.transaction
    digest = hashlib.sha256(said.key.encode()).hexdigest()
    return Transaction(
        key=f"expire:{digest}",
        currency=said.currency,
        reason=said.reason,
        occurred_at=said.expires_at or said.occurred_at,
        phase=Phase.EXPIRE,
        settles=said.key,
    )


def _balance_rows(entries: Sequence[Entry], book: Book) -> list[dict[str, Any]]:
    touched = {(one.transaction.currency, p.account) for one in entries for p in one.postings}
    settled = [book.known[one.transaction.settles] for one in entries if one.transaction.settles]
    touched |= {(one.transaction.currency, p.account) for one in settled for p in one.postings}
    return [
        {
            "currency": currency,
            "account": account,
            "posted": book.holdings[currency, account].posted,
            "reserved": book.holdings[currency, account].reserved,
        }
        for currency, account in sorted(touched)
    ]
