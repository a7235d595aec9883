"""The tables of short links, and of what workers must hear about.

Never here: queries (`links`). The one surprising fact: the revisions are raised by the database
itself, by triggers on partners, merchants, products and links. Whoever changes one of them, by
whatever way, is published, and no room has to remember it.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, String, Table

from adserver.stores.tables import METADATA, Instant

LINKS = Table(
    "links",
    METADATA,
    Column("code", String(32), primary_key=True),
    Column("partner_id", String(64), ForeignKey("partners.partner_id"), nullable=False, index=True),
    Column("merchant_id", String(64), ForeignKey("merchants.merchant_id"), nullable=False),
    Column("sku", String(128), nullable=False),
    Column("url", String(2048), nullable=False),
    Column("name", String(100), nullable=False),
    Column("sub1", String(128), nullable=False),
    Column("sub2", String(128), nullable=False),
    Column("sub3", String(128), nullable=False),
    Column("sub4", String(128), nullable=False),
    Column("sub5", String(128), nullable=False),
    Column("rate_ppm", BigInteger),  # its own rate: percent or flat, or neither
    Column("flat_minor", BigInteger),
    Column("made_at", Instant, nullable=False),
)

LINK_REVISIONS = Table(
    "link_revisions",
    METADATA,
    Column("name", String(16), primary_key=True),  # partners, merchants, products or links
    Column("revision", BigInteger, nullable=False),  # how often that table was changed
)
