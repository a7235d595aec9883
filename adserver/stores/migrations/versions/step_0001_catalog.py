"""The catalog: advertisers, campaigns, line items, creatives, apps, placements and the revision.

Spelled out here and not taken from `tables`, because a step must stay what it was when released.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables, and the one row that counts revisions."""
    revisions = op.create_table(
        "catalog_revision",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_revision"),
    )
    op.bulk_insert(revisions, [{"id": 1, "revision": 0}])
    _make_buying()
    _make_selling()


def _make_buying() -> None:
    _make(
        "advertisers",
        "advertiser_id",
        _text("name", 200),
        _text("time_zone", 64),
        _document("categories"),
        _text("domain", 253),
        _whole("key_generation"),
    )
    _make("campaigns", "campaign_id", *_refers("advertiser_id", "advertisers"), _text("name", 200))
    _make(
        "line_items",
        "line_item_id",
        *_refers("campaign_id", "campaigns"),
        _text("name", 200),
        _text("pricing", 16),
        _money("bid_micros"),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        _money("daily_budget_micros", nullable=True),
        _money("total_budget_micros", nullable=True),
        _text("pacing", 16),
        _document("caps"),
        _document("targeting"),
    )
    _make(
        "creatives",
        "creative_id",
        *_refers("line_item_id", "line_items"),
        _text("format", 16),
        _text("landing_url", 2048),
        _whole("w"),
        _whole("h"),
        _text("landing_kind", 16),
        _text("fallback_url", 2048),
        _text("title", 200),
        _text("description", 1000),
        _text("cta", 50),
        _document("assets"),
        _whole("duration_ms"),
    )


def _make_selling() -> None:
    _make(
        "apps",
        "app_id",
        _text("name", 200),
        _text("bundle", 255),
        _text("category", 64),
        _whole("key_generation"),
        sa.Column("partner_id", sa.String(64)),
        _document("blocked_categories"),
        _document("blocked_advertisers"),
    )
    _make(
        "placements",
        "placement_id",
        *_refers("app_id", "apps"),
        _text("name", 200),
        _text("format", 16),
        _document("sizes"),
        _money("floor_cpm_micros"),
        _text("auction", 16),
        _whole("max_ads"),
        _document("blocked_categories"),
        _document("blocked_advertisers"),
    )


def _make(name: str, key: str, *columns: "sa.Column[Any] | sa.ForeignKeyConstraint") -> None:
    op.create_table(
        name,
        sa.Column(key, sa.String(64), nullable=False),
        *columns,
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True)),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint(key, name=f"pk_{name}"),
    )
    for column in columns:
        if isinstance(column, sa.ForeignKeyConstraint):
            parent = column.column_keys[0]
            op.create_index(f"ix_{name}_{parent}", name, [parent])


def _text(name: str, most: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(most), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _money(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _document(name: str) -> "sa.Column[Any]":
    return sa.Column(name, sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False)


def _refers(name: str, table: str) -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
    child = {
        "advertisers": "campaigns",
        "campaigns": "line_items",
        "line_items": "creatives",
        "apps": "placements",
    }
    key = sa.ForeignKeyConstraint([name], [f"{table}.{name}"], name=f"fk_{child[table]}_{name}")
    return sa.Column(name, sa.String(64), nullable=False), key
