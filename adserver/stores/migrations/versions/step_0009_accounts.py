"""Organisations, users, sessions, invitations, keys, the audit log, answers to repeated writes."""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""
