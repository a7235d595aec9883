"""Closings, statements and payouts, and the triggers that keep what was closed.

Spelled out here and not taken from `settlement_tables`: a step stays what it was when released.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEPT = {
    "period_extensions": ("period", "number"),
    "closings": ("period", "currency"),
    "closing_funding": ("period", "currency", "merchant_id"),
    "closing_items": ("period", "currency", "partner_id", "ref"),
    "statements": ("period", "currency", "partner_id"),
    "statement_steps": ("period", "currency", "partner_id", "item"),
    "payout_events": ("payout_id", "attempt", "state"),
}
"""Tables that only grow, with their keys."""


def upgrade() -> None:
    """Makes the tables and their triggers."""
    _make_closings()
    _make_statements()
    _make_payouts()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_to_change_settlement() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME; END $$"
        )
    for table in KEPT:
        _keep(table)


def _make_closings() -> None:
    op.create_table(
        "period_extensions",
        _text("period", 7),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        _instant("extended_at"),
        _text("why", 500),
        sa.PrimaryKeyConstraint("period", "number", name="pk_period_extensions"),
    )
    op.create_table(
        "closings",
        *_month(),
        _instant("closed_at"),
        _instant("ripe_until"),
        _instant("pays_at"),
        _text("head_hash", 64),
        sa.Column("statements", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("period", "currency", name="pk_closings"),
    )
    op.create_table(
        "closing_funding",
        *_month(),
        _text("merchant_id", 64),
        *_amounts("paid_minor", "used_minor", "available_minor"),
        sa.PrimaryKeyConstraint("period", "currency", "merchant_id", name="pk_closing_funding"),
    )
    op.create_table(
        "closing_items",
        *_month(),
        _text("partner_id", 64),
        _text("ref", 160),
        _text("kind", 8),
        _text("outcome", 16),
        sa.Column("payable_from", sa.DateTime(timezone=True)),
        *_amounts("amount_micros"),
        sa.PrimaryKeyConstraint("period", "currency", "partner_id", "ref", name="pk_closing_items"),
    )
    op.create_index("ix_closing_items_ref", "closing_items", ["ref"])


def _make_statements() -> None:
    op.create_table(
        "statements",
        *_month(),
        _text("partner_id", 64),
        _text("partner_name", 200),
        _instant("closed_at"),
        _instant("pays_at"),
        _text("head_hash", 64),
        *_amounts("pending_opening", "pending_closing", "payable_opening", "payable_closing"),
        *_amounts("clawback_opening", "clawback_closing", "reserved"),
        *_amounts("minimum_minor", "payout_minor"),
        _text("held", 24),
        sa.PrimaryKeyConstraint("period", "currency", "partner_id", name="pk_statements"),
    )
    op.create_index("ix_statements_partner_id", "statements", ["partner_id"])
    op.create_table(
        "statement_steps",
        *_month(),
        _text("partner_id", 64),
        _text("item", 32),
        *_amounts("lines", "amount_micros"),
        sa.PrimaryKeyConstraint(
            "period", "currency", "partner_id", "item", name="pk_statement_steps"
        ),
    )


def _make_payouts() -> None:
    op.create_table(
        "payouts",
        _text("payout_id", 128),
        *_month(),
        _text("partner_id", 64),
        *_amounts("amount_minor"),
        _text("state", 16),
        sa.Column("attempt", sa.Integer, nullable=False),
        _text("bank_account", 64),
        _text("account_holder", 200),
        _instant("made_at"),
        _instant("changed_at"),
        _text("note", 500),
        sa.PrimaryKeyConstraint("payout_id", name="pk_payouts"),
    )
    op.create_index("ix_payouts_partner_id", "payouts", ["partner_id", "currency"])
    op.create_index("ix_payouts_period", "payouts", ["period", "currency"])
    op.create_table(
        "payout_events",
        _text("payout_id", 128),
        sa.Column("attempt", sa.Integer, nullable=False, autoincrement=False),
        _text("state", 16),
        _instant("at"),
        _text("note", 500),
        sa.PrimaryKeyConstraint("payout_id", "attempt", "state", name="pk_payout_events"),
    )


def _keep(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_settlement()"
        )
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_refuses_{event.lower()} BEFORE {event} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END"
        )
    taken = " AND ".join(f"{name} = NEW.{name}" for name in KEPT[table])
    op.execute(  # INSERT OR REPLACE removes a row without a word to a trigger on DELETE
        f"CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON {table} "  # noqa: S608 - constants
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {taken}) "
        f"BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END"
    )


def _month() -> tuple[sa.Column[Any], ...]:
    return _text("period", 7), _text("currency", 3)


def _text(name: str, most: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(most), nullable=False)


def _instant(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _amounts(*names: str) -> tuple[sa.Column[int], ...]:
    return tuple(sa.Column(name, sa.BigInteger, nullable=False) for name in names)
