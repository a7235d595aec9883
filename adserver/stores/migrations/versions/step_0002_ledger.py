"""The ledger, with triggers that refuse every change of what was written.

Spelled out here and not taken from `ledger_tables`, because a step must stay what it was when
released. The one surprising fact: SQLite's INSERT OR REPLACE deletes without calling the trigger
for DELETE, so there the insertion of a place or key that is taken is refused as well.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("ledger_transactions", "ledger_postings", "ledger_closings")

_WORDS = "the ledger is append-only: correct it by a new transaction"

_TAKEN = {
    "ledger_transactions": "(currency = NEW.currency AND seq = NEW.seq) OR key = NEW.key"
    " OR settles = NEW.settles OR reverses = NEW.reverses",
    "ledger_postings": "currency = NEW.currency AND seq = NEW.seq AND position = NEW.position",
    "ledger_closings": "currency = NEW.currency AND period = NEW.period",
}


def upgrade() -> None:
    """Makes the tables, the triggers, and the one row that writers lock."""
    _make_transactions()
    _make_postings()
    _make_closings()
    _make_caches()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _make_transactions() -> None:
    name = "ledger_transactions"
    op.create_table(
        name,
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("phase", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("settles", sa.String(255)),
        sa.Column("in_part", sa.Boolean, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("reverses", sa.String(255)),
        sa.Column("refs", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("currency", "seq", name=f"pk_{name}"),
    )
    op.create_index(f"uq_{name}_key", name, ["key"], unique=True)
    for column in ("settles", "reverses"):
        _index_where_given(f"uq_{name}_{column}", name, column, unique=True)
    _index_where_given(f"ix_{name}_expires_at", name, "expires_at")
    op.create_index(f"ix_{name}_period", name, ["currency", "period", "seq"])


def _index_where_given(index: str, table: str, column: str, *, unique: bool = False) -> None:
    given = sa.text(f"{column} IS NOT NULL")
    op.create_index(
        index, table, [column], unique=unique, sqlite_where=given, postgresql_where=given
    )


def _make_postings() -> None:
    name = "ledger_postings"
    op.create_table(
        name,
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("moves", sa.Boolean, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("currency", "seq", "position", name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )
    op.create_index(f"ix_{name}_account", name, ["currency", "account", "period", "seq"])


def _make_closings() -> None:
    op.create_table(
        "ledger_closings",
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("currency", "period", name="pk_ledger_closings"),
    )


def _make_caches() -> None:
    op.create_table(
        "ledger_balances",
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("account", sa.String(128), nullable=False),
        sa.Column("posted", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("currency", "account", name="pk_ledger_balances"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_heads",
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("currency", name="pk_ledger_heads"),
    )
    lock = op.create_table(
        "ledger_lock",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_lock"),
    )
    op.bulk_insert(lock, [{"id": 1}])


def _guard_sqlite() -> None:
    for table in APPEND_ONLY:
        for event in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{event} BEFORE {event.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END"
            )
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "  # noqa: S608 - constants
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {_TAKEN[table]}) "
            f"BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_WORDS}'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()"
        )
