"""The tables of advertisers' money that is not in the ledger: top-ups asked for, recent charges.

Never here: queries (`top_ups`, `advertiser_money`). The one surprising fact: charges are only a
reading of the event log, kept for the days that the ledger may not have yet; the ledger is right.
"""

from sqlalchemy import BigInteger, Column, Index, String, Table

from adserver.stores.tables import METADATA, Instant

TOP_UPS = Table(
    "top_ups",
    METADATA,
    Column("top_up_id", String(64), primary_key=True),
    Column("advertiser_id", String(64), nullable=False),
    Column("amount_micros", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("note", String(500), nullable=False),  # the advertiser's words
    Column("status", String(16), nullable=False),  # asked, confirmed or refused
    Column("asked_by", String(320), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("decided_by", String(320), nullable=False),  # "" while it waits
    Column("decided_at", Instant),
    Column("reference", String(128), nullable=False),  # the bank's number, of a confirmed one
    Column("reason", String(500), nullable=False),  # why it was refused
    Index("ix_top_ups_advertiser", "advertiser_id", "asked_at"),
    Index("ix_top_ups_status", "status", "asked_at"),
)

ADVERTISER_CHARGES = Table(
    "advertiser_charges",
    METADATA,
    Column("advertiser_id", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),  # 2026-10-31, in the house's time zone
    Column("charged_micros", BigInteger, nullable=False),
    Column("counted_at", Instant, nullable=False),  # when the figure last changed
)
