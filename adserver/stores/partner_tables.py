"""The tables of partners, contracts, coupons and merchants, and the history of all their changes.

Never here: queries (`partners`). The one surprising fact: the history is only ever added to; the
database itself refuses to change or remove a line of it, so what held at any instant stays known.
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
)
from sqlalchemy.dialects.postgresql import JSONB

from adserver.stores.tables import METADATA, Instant


def _document() -> Any:
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _partner_id() -> Column[str]:
    return Column(
        "partner_id", String(64), ForeignKey("partners.partner_id"), nullable=False, index=True
    )


PARTNERS = Table(
    "partners",
    METADATA,
    Column("partner_id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("email", String(254), nullable=False),
    Column("standing", String(16), nullable=False),
    Column("standing_reason", String(500), nullable=False),
    Column("sites", _document(), nullable=False),
    Column("customer_refs", _document(), nullable=False),
    Column("bank_account", String(64), nullable=False),
    Column("account_holder", String(200), nullable=False),
    Column("key_generation", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

CONTRACTS = Table(
    "contracts",
    METADATA,
    Column("contract_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _partner_id(),
    Column("app_id", String(64)),
    Column("placement_id", String(64)),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("terms", _document(), nullable=False),
    Column("made_at", Instant, nullable=False),
)

MERCHANTS = Table(
    "merchants",
    METADATA,
    Column("merchant_id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("home_url", String(2048), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("default_rate", _document(), nullable=False),
    Column("category_rates", _document(), nullable=False),
    Column("gift_categories", _document(), nullable=False),
    Column("trusted", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("key_generation", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

COUPONS = Table(
    "coupons",
    METADATA,
    Column("merchant_id", String(64), ForeignKey("merchants.merchant_id"), primary_key=True),
    Column("code_key", String(192), primary_key=True),  # the code whatever its case
    Column("code", String(64), nullable=False),
    _partner_id(),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("rate", _document()),
    Column("made_at", Instant, nullable=False),
)

PARTNER_HISTORY = Table(
    "partner_history",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(16), nullable=False),  # partner, contract, coupon or merchant
    Column("entity_id", String(160), nullable=False),
    Column("version", Integer, nullable=False),  # of a contract; 0 for the others
    Column("partner_id", String(64), nullable=False),  # "" for merchants
    Column("what", String(32), nullable=False),  # such as approved
    Column("who", String(100), nullable=False),
    Column("why", String(500), nullable=False),
    Column("state", _document(), nullable=False),  # the whole of it, after the change
    Index("ix_partner_history_entity", "kind", "entity_id"),
    Index("ix_partner_history_partner_id", "partner_id"),
)
