"""The tables of the partners' room: words of products, and apps' own ads.

Never here: queries (`product_search`, `house_ads`). The one surprising fact: on SQLite the words
are searched in a full-text table beside theirs, which triggers keep in step (step 13); PostgreSQL
has an index for them.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text
from sqlalchemy.dialects.postgresql import TSVECTOR

from adserver.stores.tables import METADATA, Instant

PRODUCT_DOCUMENTS = Table(
    "product_documents",
    METADATA,
    Column("document_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("merchant_id", String(64), nullable=False),
    Column("sku", String(128), nullable=False),
    Column("words", Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
    Index("uq_product_documents_sku", "merchant_id", "sku", unique=True),
)

HOUSE_ADS = Table(
    "house_ads",
    METADATA,
    Column("house_ad_id", String(64), primary_key=True),
    Column("app_id", String(64), nullable=False, index=True),
    Column("format", String(16), nullable=False),
    Column("w", Integer, nullable=False),
    Column("h", Integer, nullable=False),
    Column("title", String(200), nullable=False),
    Column("description", String(1000), nullable=False),
    Column("cta", String(50), nullable=False),
    Column("landing_url", String(2048), nullable=False),
    Column("asset_url", String(2048), nullable=False),  # "" for one of words only
    Column("asset_mime", String(64), nullable=False),
    Column("asset_bytes", BigInteger, nullable=False),
    Column("asset_sha256", String(64), nullable=False),
    Column("review", String(16), nullable=False),
    Column("review_reason", String(500), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
