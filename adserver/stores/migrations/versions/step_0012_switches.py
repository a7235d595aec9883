"""Kill switches: what may not be shown at all for now; and experiments with models."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables; nothing is switched off and nothing is tried."""
    op.create_table(
        "switches",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("entity_id", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("switched_by", sa.String(320), nullable=False),
        sa.Column("switched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "entity_id", name="pk_switches"),
    )
    op.create_table(
        "experiments",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("model_version", sa.String(128), nullable=False),
        sa.Column("control_version", sa.String(128), nullable=False),
        sa.Column("share_ppm", sa.BigInteger, nullable=False),
        sa.Column("started_by", sa.String(320), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("name", name="pk_experiments"),
    )
