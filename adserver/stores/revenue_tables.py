"""The tables of ad revenue: a day's money by advertiser, and what each placement's partner has.

Never here: queries (`revenue`). The one surprising fact: all amounts are what the ledger has been
told so far; a restated day changes them by the difference that it posts.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from adserver.stores.tables import METADATA, Instant

DAILY_REVENUE = Table(
    "daily_revenue",
    METADATA,
    Column("day", String(10), primary_key=True),  # 2026-10-31, in the house's time zone
    Column("advertiser_id", String(64), primary_key=True),
    Column("line_item_id", String(64), primary_key=True),
    Column("app_id", String(64), primary_key=True),
    Column("placement_id", String(64), primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("revenue_micros", BigInteger, nullable=False),  # before findings of invalid traffic
    Column("invalid_micros", BigInteger, nullable=False),
)

AD_SHARES = Table(
    "ad_shares",
    METADATA,
    Column("day", String(10), primary_key=True),
    Column("app_id", String(64), primary_key=True),
    Column("placement_id", String(64), primary_key=True),
    Column("partner_id", String(64), nullable=False),
    Column("contract_id", String(64), nullable=False),
    Column("contract_version", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("period", String(7), nullable=False),  # the month of the day
    Column("impressions", BigInteger, nullable=False),  # valid ones
    Column("revenue_micros", BigInteger, nullable=False),  # valid revenue
    Column("estimated_micros", BigInteger, nullable=False),  # all three as first posted
    Column("share_micros", BigInteger, nullable=False),
    Column("pool_id", String(64), nullable=False),
    Column("subsidy_micros", BigInteger, nullable=False),
    Column("guarantee_micros", BigInteger, nullable=False),
    Column("rule", String(200), nullable=False),
    Column("reason", String(32), nullable=False),  # such as pool_empty; "" when all was paid
    Column("matured_micros", BigInteger, nullable=False),  # of the three, made payable so far
    Column("revision", Integer, nullable=False),  # how often the day was posted
    Column("modified_at", Instant, nullable=False),
    Index("ix_ad_shares_partner_period", "partner_id", "period"),
)
