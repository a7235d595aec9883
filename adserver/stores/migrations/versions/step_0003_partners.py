"""Partners, contracts, coupons and merchants, and a history that nobody can rewrite."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_REFUSAL = "partner_history is only added to: a line of it is neither changed nor removed"
_REFUSE = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"


def upgrade() -> None:
    """Makes the tables, and the triggers that guard the history."""
    _make_partners()
    _make_merchants()
    _make_history()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _make_partners() -> None:
    op.create_table(
        "partners",
        _text("partner_id", 64),
        _text("name", 200),
        _text("email", 254),
        _text("standing", 16),
        _text("standing_reason", 500),
        _document("sites"),
        _document("customer_refs"),
        _text("bank_account", 64),
        _text("account_holder", 200),
        sa.Column("key_generation", sa.Integer, nullable=False),
        _instant("changed_at"),
        sa.PrimaryKeyConstraint("partner_id", name="pk_partners"),
    )
    op.create_table(
        "contracts",
        _text("contract_id", 64),
        sa.Column("version", sa.Integer, nullable=False),
        _text("partner_id", 64),
        sa.Column("app_id", sa.String(64)),
        sa.Column("placement_id", sa.String(64)),
        _instant("starts_at"),
        _instant("ends_at", nullable=True),
        _document("terms"),
        _instant("made_at"),
        sa.PrimaryKeyConstraint("contract_id", "version", name="pk_contracts"),
        _refers("contracts", "partner_id", "partners"),
    )
    op.create_index("ix_contracts_partner_id", "contracts", ["partner_id"])


def _make_merchants() -> None:
    op.create_table(
        "merchants",
        _text("merchant_id", 64),
        _text("name", 200),
        _text("home_url", 2048),
        _text("currency", 3),
        _document("default_rate"),
        _document("category_rates"),
        _document("gift_categories"),
        sa.Column("trusted", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("key_generation", sa.Integer, nullable=False),
        _instant("changed_at"),
        sa.PrimaryKeyConstraint("merchant_id", name="pk_merchants"),
    )
    op.create_table(
        "coupons",
        _text("merchant_id", 64),
        _text("code_key", 192),
        _text("code", 64),
        _text("partner_id", 64),
        _instant("starts_at"),
        _instant("ends_at", nullable=True),
        _document("rate", nullable=True),
        _instant("made_at"),
        sa.PrimaryKeyConstraint("merchant_id", "code_key", name="pk_coupons"),
        _refers("coupons", "merchant_id", "merchants"),
        _refers("coupons", "partner_id", "partners"),
    )
    op.create_index("ix_coupons_partner_id", "coupons", ["partner_id"])


def _make_history() -> None:
    op.create_table(
        "partner_history",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        _instant("at"),
        _text("kind", 16),
        _text("entity_id", 160),
        sa.Column("version", sa.Integer, nullable=False),
        _text("partner_id", 64),
        _text("what", 32),
        _text("who", 100),
        _text("why", 500),
        _document("state"),
        sa.PrimaryKeyConstraint("seq", name="pk_partner_history"),
    )
    op.create_index("ix_partner_history_entity", "partner_history", ["kind", "entity_id"])
    op.create_index("ix_partner_history_partner_id", "partner_history", ["partner_id"])


def _guard_sqlite() -> None:
    """INSERT OR REPLACE removes a row without a word to a trigger on DELETE, hence the third."""
    on_history = {
        "update": "BEFORE UPDATE ON partner_history",
        "delete": "BEFORE DELETE ON partner_history",
        "replace": "BEFORE INSERT ON partner_history "
        "WHEN EXISTS (SELECT 1 FROM partner_history WHERE seq = NEW.seq)",
    }
    for name, when in on_history.items():
        op.execute(f"CREATE TRIGGER partner_history_no_{name} {when} {_REFUSE}")


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION partner_history_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER partner_history_refuse BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON partner_history FOR EACH STATEMENT EXECUTE FUNCTION partner_history_refuse()"
    )


def _text(name: str, most: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(most), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> "sa.Column[Any]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _document(name: str, *, nullable: bool = False) -> "sa.Column[Any]":
    return sa.Column(name, sa.JSON().with_variant(JSONB(), "postgresql"), nullable=nullable)


def _refers(table: str, name: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{other}.{name}"], name=f"fk_{table}_{name}")
