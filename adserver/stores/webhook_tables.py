"""The tables of webhooks: where somebody wants to be told of what, and what was sent there.

Never here: queries (`webhooks`). The one surprising fact: a delivery is a row before it is a call;
it is written in the transaction that saw its cause, and `cause` keeps one cause from being told
twice.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from adserver.stores.tables import METADATA, Instant


def _document() -> Any:
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("webhook_id", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("url", String(2048), nullable=False),
    Column("kinds", _document(), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("why_inactive", String(500), nullable=False),
    Column("failures", Integer, nullable=False),  # attempts in a row
    Column("key_generation", Integer, nullable=False),
    Column("made_by", String(254), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("removed_at", Instant),
    Index("ix_webhooks_owner", "role", "owner"),
)

WEBHOOK_DELIVERIES = Table(
    "webhook_deliveries",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("webhook_id", String(64), ForeignKey("webhooks.webhook_id"), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("cause", String(255), nullable=False),
    Column("body", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("due_at", Instant),  # nothing once it was delivered or given up
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tried_at", Instant),
    Column("status", Integer, nullable=False),  # of the last answer; 0 without one
    Column("said", String(500), nullable=False),  # what went wrong, in words
    Column("took_ms", Integer, nullable=False),
    Index("uq_webhook_deliveries_cause", "webhook_id", "cause", unique=True),
    Index("ix_webhook_deliveries_due_at", "due_at"),
    Index("ix_webhook_deliveries_made_at", "made_at"),
    Index("ix_webhook_deliveries_webhook_id", "webhook_id", "seq"),
)

WEBHOOK_WATCHES = Table(
    "webhook_watches",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("seen_at", Instant, nullable=False),
    Column("seen_seq", BigInteger, nullable=False),
)
