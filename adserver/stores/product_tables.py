"""The tables of what merchants sell: products by SKU, and the dated rates of hot ones.

Never here: queries (`products`). The one surprising fact: a product is never deleted. What left its
merchant's feed is out of stock, and a late order still finds its rate.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table

from adserver.stores.tables import METADATA, Instant

PRODUCTS = Table(
    "products",
    METADATA,
    Column("merchant_id", String(64), primary_key=True),
    Column("sku", String(128), primary_key=True),
    Column("title", String(500), nullable=False),
    Column("url", String(2048), nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("category", String(128), nullable=False),
    Column("image_url", String(2048), nullable=False),
    Column("in_stock", Boolean, nullable=False),
    Column("rate_ppm", BigInteger),  # its own rate: percent or flat, or neither
    Column("flat_minor", BigInteger),
    Column("changed_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),  # when a feed last had it
    Index("ix_products_merchant_seen", "merchant_id", "seen_at"),
)

HOT_RATES = Table(
    "hot_rates",
    METADATA,
    Column("merchant_id", String(64), primary_key=True),
    Column("sku", String(128), primary_key=True),
    Column("starts_at", Instant, primary_key=True),
    Column("ends_at", Instant, nullable=False),
    Column("rate_ppm", BigInteger),
    Column("flat_minor", BigInteger),
    Column("added_at", Instant, nullable=False),
)
