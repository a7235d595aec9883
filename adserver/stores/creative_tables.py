"""The tables of what reviewers said of creatives, and of uploaded files.

Never here: queries (`creative_reviews`, `media_files`). The one surprising fact: files themselves
lie on disk under their hash (`adserver.media`); a row here says what a file is, not where.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from adserver.stores.tables import METADATA, Instant


def _document() -> Any:
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


CREATIVE_REVIEWS = Table(
    "creative_reviews",
    METADATA,
    Column("creative_id", String(64), ForeignKey("creatives.creative_id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("who", String(320), nullable=False),
    Column("verdict", String(16), nullable=False),  # pending: handed in
    Column("reason", String(32), nullable=False),
    Column("words", String(1000), nullable=False),
    Column("declared", _document(), nullable=False),  # what the advertiser declared of it
    Column("creative", _document(), nullable=False),  # as it was then
)

MEDIA_FILES = Table(
    "media_files",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("extension", String(8), nullable=False),
    Column("mime", String(64), nullable=False),
    Column("w", Integer, nullable=False),
    Column("h", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("look", String(16), nullable=False),  # perceptual hash, "" where it says nothing
    Column("poster", String(64), nullable=False),  # the file of a film's first picture
    Column("stored_at", Instant, nullable=False),
    Column("referenced_at", Instant),  # when a creative was last seen with it
)

MEDIA_UPLOADS = Table(
    "media_uploads",
    METADATA,
    Column("advertiser_id", String(64), ForeignKey("advertisers.advertiser_id"), primary_key=True),
    Column("sha256", String(64), ForeignKey("media_files.sha256"), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("cleaned", _document(), nullable=False),  # what was taken out of it, in words
    Column("uploaded_at", Instant, nullable=False),
    Column("uploaded_by", String(320), nullable=False),
)

Index("ix_media_uploads_sha256", MEDIA_UPLOADS.c.sha256)
