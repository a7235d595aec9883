"""The tables of the SQL catalog, as SQLAlchemy sees them; `migrations` makes them.

Never here: queries (`catalog`). The one surprising fact: nothing is ever deleted. `archived_at` is
what the domain calls inactive; `removed_at` marks what an import no longer named, which is hidden
but kept, so that a late click on it still finds its landing page.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware instant. SQLite has no such type, so there it is kept as UTC without saying so."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, for SQLite without its zone."""
        if value is None:
            return None
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware, always UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _document() -> Any:
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _id(name: str) -> Column[str]:
    return Column(name, String(64), primary_key=True)


def _refers(name: str, table: str) -> Column[str]:
    return Column(name, String(64), ForeignKey(f"{table}.{name}"), nullable=False, index=True)


def _life() -> tuple[Column[datetime], ...]:
    return (
        Column("changed_at", Instant, nullable=False),
        Column("archived_at", Instant),
        Column("removed_at", Instant),
    )


CATALOG_REVISION = Table(
    "catalog_revision",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("changed_at", Instant),
)

ADVERTISERS = Table(
    "advertisers",
    METADATA,
    _id("advertiser_id"),
    Column("name", String(200), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("categories", _document(), nullable=False),
    Column("domain", String(253), nullable=False),
    Column("key_generation", Integer, nullable=False),
    Column("prepaid", Boolean, nullable=False, server_default=false()),
    *_life(),
)

CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    _id("campaign_id"),
    _refers("advertiser_id", "advertisers"),
    Column("name", String(200), nullable=False),
    Column("paused", Boolean, nullable=False, server_default=false()),
    *_life(),
)

LINE_ITEMS = Table(
    "line_items",
    METADATA,
    _id("line_item_id"),
    _refers("campaign_id", "campaigns"),
    Column("name", String(200), nullable=False),
    Column("pricing", String(16), nullable=False),
    Column("bid_micros", BigInteger, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("daily_budget_micros", BigInteger),
    Column("total_budget_micros", BigInteger),
    Column("pacing", String(16), nullable=False),
    Column("caps", _document(), nullable=False),
    Column("targeting", _document(), nullable=False),
    Column("product", String(200), nullable=False, server_default=""),
    Column("paused", Boolean, nullable=False, server_default=false()),
    *_life(),
)

CREATIVES = Table(
    "creatives",
    METADATA,
    _id("creative_id"),
    _refers("line_item_id", "line_items"),
    Column("format", String(16), nullable=False),
    Column("landing_url", String(2048), nullable=False),
    Column("w", Integer, nullable=False),
    Column("h", Integer, nullable=False),
    Column("landing_kind", String(16), nullable=False),
    Column("fallback_url", String(2048), nullable=False),
    Column("title", String(200), nullable=False),
    Column("description", String(1000), nullable=False),
    Column("cta", String(50), nullable=False),
    Column("assets", _document(), nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("review", String(16), nullable=False, server_default="approved"),
    *_life(),
)

APPS = Table(
    "apps",
    METADATA,
    _id("app_id"),
    Column("name", String(200), nullable=False),
    Column("bundle", String(255), nullable=False),
    Column("category", String(64), nullable=False),
    Column("key_generation", Integer, nullable=False),
    Column("partner_id", String(64)),
    Column("blocked_categories", _document(), nullable=False),
    Column("blocked_advertisers", _document(), nullable=False),
    *_life(),
)

PLACEMENTS = Table(
    "placements",
    METADATA,
    _id("placement_id"),
    _refers("app_id", "apps"),
    Column("name", String(200), nullable=False),
    Column("format", String(16), nullable=False),
    Column("sizes", _document(), nullable=False),
    Column("floor_cpm_micros", BigInteger, nullable=False),
    Column("auction", String(16), nullable=False),
    Column("max_ads", Integer, nullable=False),
    Column("blocked_categories", _document(), nullable=False),
    Column("blocked_advertisers", _document(), nullable=False),
    *_life(),
)

CATALOG_TABLES: dict[str, Table] = {
    "advertiser": ADVERTISERS,
    "campaign": CAMPAIGNS,
    "line_item": LINE_ITEMS,
    "creative": CREATIVES,
    "app": APPS,
    "placement": PLACEMENTS,
}
