"""The tables of the ledger.

Never here: queries (`ledger`, `ledger_rows`). The one surprising fact: transactions, postings and
closings are only ever added, and triggers of the database refuse anything else. Balances and heads
are a cache of them, written in the same transaction and compared by `verify`.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, text

from adserver.stores.tables import METADATA, Instant

_SETTLES = text("settles IS NOT NULL")
_REVERSES = text("reverses IS NOT NULL")
_EXPIRES = text("expires_at IS NOT NULL")

LEDGER_TRANSACTIONS = Table(
    "ledger_transactions",
    METADATA,
    Column("currency", String(3), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(255), nullable=False),
    Column("phase", String(8), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("committed_at", Instant, nullable=False),
    Column("period", String(7), nullable=False),
    Column("settles", String(255)),
    Column("in_part", Boolean, nullable=False),  # a POST that says which postings, and not "all"
    Column("expires_at", Instant),
    Column("reverses", String(255)),
    Column("refs", Text, nullable=False),  # JSON: a list of pairs
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("uq_ledger_transactions_key", "key", unique=True),
    Index(
        "uq_ledger_transactions_settles",
        "settles",
        unique=True,
        sqlite_where=_SETTLES,
        postgresql_where=_SETTLES,
    ),
    Index(
        "uq_ledger_transactions_reverses",
        "reverses",
        unique=True,
        sqlite_where=_REVERSES,
        postgresql_where=_REVERSES,
    ),
    Index(
        "ix_ledger_transactions_expires_at",
        "expires_at",
        sqlite_where=_EXPIRES,
        postgresql_where=_EXPIRES,
    ),
    Index("ix_ledger_transactions_period", "currency", "period", "seq"),
)

LEDGER_POSTINGS = Table(
    "ledger_postings",
    METADATA,
    Column("currency", String(3), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("account", String(128), nullable=False),
    Column("period", String(7), nullable=False),  # its transaction's
    Column("moves", Boolean, nullable=False),  # false: only reserved, or let go
    Column("amount", BigInteger, nullable=False),  # micros; a credit is positive
    Index("ix_ledger_postings_account", "currency", "account", "period", "seq"),
)

LEDGER_CLOSINGS = Table(
    "ledger_closings",
    METADATA,
    Column("currency", String(3), primary_key=True),
    Column("period", String(7), primary_key=True),
    Column("seq", BigInteger, nullable=False),  # the last entry that was there
    Column("hash", String(64), nullable=False),
    Column("closed_at", Instant, nullable=False),
)

LEDGER_BALANCES = Table(
    "ledger_balances",
    METADATA,
    Column("currency", String(3), primary_key=True),
    Column("account", String(128), primary_key=True),
    Column("posted", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
)

LEDGER_HEADS = Table(
    "ledger_heads",
    METADATA,
    Column("currency", String(3), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

LEDGER_LOCK = Table(
    "ledger_lock",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
)
