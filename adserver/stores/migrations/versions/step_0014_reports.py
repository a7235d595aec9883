"""What reports keep: the users of each app by what is known of them, and when they were counted.

Spelled out here and not taken from `report_tables`, because a step must stay what it was when
released.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "audience_cells",
        sa.Column("scope", sa.String(80), nullable=False),
        sa.Column("dimension", sa.String(16), nullable=False),
        sa.Column("value", sa.String(80), nullable=False),
        sa.Column("users", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope", "dimension", "value", name="pk_audience_cells"),
    )
    op.create_table(
        "audience_requests",
        sa.Column("app_id", sa.String(64), nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("opted_out", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("app_id", name="pk_audience_requests"),
    )
    op.create_table(
        "audience_counts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audience_counts"),
    )
