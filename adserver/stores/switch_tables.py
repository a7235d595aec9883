"""The table of kill switches, as SQLAlchemy sees it; migrations make it.

Never here: queries (`switches`). The one surprising fact: it holds what is off now and nothing
else; who switched what, and when, is in the audit log.
"""

from sqlalchemy import Column, String, Table

from adserver.stores.tables import METADATA, Instant

SWITCHES = Table(
    "switches",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("entity_id", String(64), primary_key=True),
    Column("reason", String(500), nullable=False),
    Column("switched_by", String(320), nullable=False),
    Column("switched_at", Instant, nullable=False),
)
