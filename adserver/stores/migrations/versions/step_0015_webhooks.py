"""Webhooks and what they were sent.

Spelled out here and not taken from `webhook_tables`: a step stays what it was when released.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    _make_hooks()
    _make_deliveries()
    op.create_table(
        "webhook_watches",
        _text("name", 32),
        _instant("seen_at"),
        sa.Column("seen_seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_webhook_watches"),
    )


def _make_hooks() -> None:
    kind = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.create_table(
        "webhooks",
        _text("webhook_id", 64),
        _text("role", 16),
        _text("owner", 64),
        _text("url", 2048),
        sa.Column("kinds", kind, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        _text("why_inactive", 500),
        _number("failures"),
        _number("key_generation"),
        _text("made_by", 254),
        _instant("made_at"),
        _instant("removed_at", nullable=True),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_owner", "webhooks", ["role", "owner"])


def _make_deliveries() -> None:
    name = "webhook_deliveries"
    op.create_table(
        name,
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        _text("webhook_id", 64),
        _text("event_id", 64),
        _text("kind", 32),
        _text("cause", 255),
        sa.Column("body", sa.Text, nullable=False),
        _instant("made_at"),
        _instant("due_at", nullable=True),
        _text("state", 16),
        _number("attempts"),
        _instant("tried_at", nullable=True),
        _number("status"),
        _text("said", 500),
        _number("took_ms"),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.webhook_id"], name=f"fk_{name}_webhook_id"
        ),
        sa.PrimaryKeyConstraint("seq", name=f"pk_{name}"),
    )
    op.create_index(f"uq_{name}_cause", name, ["webhook_id", "cause"], unique=True)
    op.create_index(f"ix_{name}_due_at", name, ["due_at"])
    op.create_index(f"ix_{name}_made_at", name, ["made_at"])
    op.create_index(f"ix_{name}_webhook_id", name, ["webhook_id", "seq"])


def _text(name: str, most: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(most), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
