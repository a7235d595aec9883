"""Campaigns and line items that pause; top-ups that wait for an operator."""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
