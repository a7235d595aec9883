"""The tables of ad revenue: days, their money, each placement's partner, findings, and funds.

Never here: queries (`revenue`, `findings`, `funds`). The one surprising fact: all amounts are what
the ledger has been told so far; a restated day changes them by the difference that it posts.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from adserver.stores.tables import METADATA, Instant

REVENUE_DAYS = Table(
    "revenue_days",
    METADATA,
    Column("day", String(10), primary_key=True),  # 2026-10-31, in the house's time zone
    Column("currency", String(3), nullable=False),
    Column("revision", Integer, nullable=False),  # how often its revenue was posted
    Column("accrued_at", Instant, nullable=False),  # the last time anybody looked
)

DAILY_REVENUE = Table(
    "daily_revenue",
    METADATA,
    Column("day", String(10), primary_key=True),
    Column("advertiser_id", String(64), primary_key=True),
    Column("line_item_id", String(64), primary_key=True),
    Column("app_id", String(64), primary_key=True),
    Column("placement_id", String(64), primary_key=True),
    Column("partner_id", String(64), primary_key=True),  # when the ads were served; "" the house
    Column("events", BigInteger, nullable=False),  # all counts and sums: before findings
    Column("revenue_micros", BigInteger, nullable=False),
    Column("impressions", BigInteger, nullable=False),
    Column("invalid_events", BigInteger, nullable=False),  # of them found to be invalid traffic
    Column("invalid_micros", BigInteger, nullable=False),
    Column("invalid_impressions", BigInteger, nullable=False),
)

AD_SHARES = Table(
    "ad_shares",
    METADATA,
    Column("day", String(10), primary_key=True),
    Column("app_id", String(64), primary_key=True),
    Column("placement_id", String(64), primary_key=True),
    Column("partner_id", String(64), primary_key=True),
    Column("contract_id", String(64), nullable=False),  # "" and version 0 for none
    Column("contract_version", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("period", String(7), nullable=False),  # the month of the day
    Column("impressions", BigInteger, nullable=False),  # valid ones
    Column("revenue_micros", BigInteger, nullable=False),  # valid revenue
    Column("invalid_impressions", BigInteger, nullable=False),
    Column("invalid_revenue_micros", BigInteger, nullable=False),
    # Validated money, after findings: share + subsidy + guarantee is what the partner has earned,
    # and it equals estimated_micros + restated_micros - invalid_micros.
    Column("share_micros", BigInteger, nullable=False),
    Column("pool_id", String(64), nullable=False),
    Column("subsidy_micros", BigInteger, nullable=False),
    Column("guarantee_micros", BigInteger, nullable=False),
    Column("estimated_micros", BigInteger, nullable=False),  # first posted, before findings; stays
    Column(
        "restated_micros", BigInteger, nullable=False
    ),  # late events, later tiers, before findings
    Column("invalid_micros", BigInteger, nullable=False),  # taken back: the three below together
    Column("invalid_share_micros", BigInteger, nullable=False),
    Column("invalid_subsidy_micros", BigInteger, nullable=False),
    Column("invalid_guarantee_micros", BigInteger, nullable=False),  # below 0: the top-up rose
    Column("subsidy_wanted_micros", BigInteger, nullable=False),  # before findings, fund and cap
    Column("rule", String(200), nullable=False),
    Column("reason", String(32), nullable=False),  # such as pool_empty; "" when all was paid
    Column("matured_micros", BigInteger, nullable=False),  # of what is earned, made payable so far
    Column("revision", Integer, nullable=False),  # how often the row was posted
    Column("modified_at", Instant, nullable=False),
    Index("ix_ad_shares_partner_period", "partner_id", "period"),
    Index("ix_ad_shares_scope", "contract_id", "contract_version", "period"),
)

INVALID_FINDINGS = Table(
    "invalid_findings",
    METADATA,
    Column("finding_id", String(40), primary_key=True),
    Column("reason", String(200), nullable=False),
    Column("first_day", String(10), nullable=False),
    Column("last_day", String(10), nullable=False),
    Column("app_id", String(64), nullable=False),  # "" for every app; likewise the next two
    Column("placement_id", String(64), nullable=False),
    Column("line_item_id", String(64), nullable=False),
    Column("address_key", BigInteger, nullable=False),  # 0 for every address
    Column("by_id", Integer, nullable=False),  # how many events it names one by one; then no rule
    Column("found_at", Instant, nullable=False),
)

INVALID_EVENTS = Table(
    "invalid_events",
    METADATA,
    Column("event_id", String(36), primary_key=True),
    Column("day", String(10), nullable=False, index=True),
    Column("finding_id", String(40), nullable=False),
)

FUNDS = Table(
    "funds",
    METADATA,
    Column("pool_id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("enrolment_limit", Integer),  # NULL: as many as like
    Column("created_at", Instant, nullable=False),
)

FUND_ENROLMENTS = Table(
    "fund_enrolments",
    METADATA,
    Column("pool_id", String(64), primary_key=True),
    Column("partner_id", String(64), primary_key=True),
    Column("enrolled_at", Instant, primary_key=True),
    Column("left_at", Instant),
)
