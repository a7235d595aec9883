"""What reviewers say of creatives, and the files that were uploaded.

Spelled out here and not taken from `creative_tables`: a step stays what it was when released.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the column and the tables. What is there already was the operator's: approved."""
    op.add_column(
        "creatives",
        sa.Column("review", sa.String(16), nullable=False, server_default="approved"),
    )
    _make_reviews()
    _make_media()


def _make_reviews() -> None:
    op.create_table(
        "creative_reviews",
        sa.Column(
            "creative_id",
            sa.String(64),
            sa.ForeignKey("creatives.creative_id", name="fk_creative_reviews_creative_id"),
            nullable=False,
        ),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _text("who", 320),
        _text("verdict", 16),
        _text("reason", 32),
        _text("words", 1000),
        _document("declared"),
        _document("creative"),
        sa.PrimaryKeyConstraint("creative_id", "number", name="pk_creative_reviews"),
    )


def _make_media() -> None:
    op.create_table(
        "media_files",
        _text("sha256", 64),
        _text("extension", 8),
        _text("mime", 64),
        sa.Column("w", sa.Integer, nullable=False),
        sa.Column("h", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("duration_ms", sa.Integer, nullable=False),
        sa.Column("frames", sa.Integer, nullable=False),
        _text("look", 16),
        _text("poster", 64),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("referenced_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("sha256", name="pk_media_files"),
    )
    op.create_table(
        "media_uploads",
        sa.Column(
            "advertiser_id",
            sa.String(64),
            sa.ForeignKey("advertisers.advertiser_id", name="fk_media_uploads_advertiser_id"),
            nullable=False,
        ),
        sa.Column(
            "sha256",
            sa.String(64),
            sa.ForeignKey("media_files.sha256", name="fk_media_uploads_sha256"),
            nullable=False,
        ),
        _text("name", 255),
        _document("cleaned"),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        _text("uploaded_by", 320),
        sa.PrimaryKeyConstraint("advertiser_id", "sha256", name="pk_media_uploads"),
    )
    op.create_index("ix_media_uploads_sha256", "media_uploads", ["sha256"])


def _text(name: str, most: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(most), nullable=False)


def _document(name: str) -> sa.Column[Any]:
    kind = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    return sa.Column(name, kind, nullable=False)
