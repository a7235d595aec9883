"""Campaigns and line items that pause; prepaid advertisers; top-ups that wait for an operator."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the columns and the tables."""
    for table, name in (("campaigns", "paused"), ("line_items", "paused")):
        _add_flag(table, name)
    _add_flag("advertisers", "prepaid")
    op.create_table(
        "top_ups",
        sa.Column("top_up_id", sa.String(64), nullable=False),
        sa.Column("advertiser_id", sa.String(64), nullable=False),
        sa.Column("amount_micros", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("asked_by", sa.String(320), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(320), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("reference", sa.String(128), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("top_up_id", name="pk_top_ups"),
    )
    op.create_index("ix_top_ups_advertiser", "top_ups", ["advertiser_id", "asked_at"])
    op.create_index("ix_top_ups_status", "top_ups", ["status", "asked_at"])
    op.create_table(
        "advertiser_charges",
        sa.Column("advertiser_id", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("charged_micros", sa.BigInteger, nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("advertiser_id", "day", name="pk_advertiser_charges"),
    )


def _add_flag(table: str, name: str) -> None:
    op.add_column(table, sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
