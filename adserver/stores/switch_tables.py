"""The tables of kill switches and experiments, as SQLAlchemy sees them; migrations make them.

Never here: queries (`switches`, `experiments`). The one surprising fact: `switches` holds what is
off now and nothing else; who switched what, and when, is in the audit log.
"""

from sqlalchemy import BigInteger, Column, String, Table

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

EXPERIMENTS = Table(
    "experiments",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("model_version", String(128), nullable=False),  # the challenger's
    Column("control_version", String(128), nullable=False),  # in force when it began; "" for none
    Column("share_ppm", BigInteger, nullable=False),
    Column("started_by", String(320), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),  # NULL: it runs
)
