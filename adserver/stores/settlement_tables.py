"""The tables of settlement: closings, statements and their parts, payouts.

Never here: queries (`settlement`, `statements`, `payouts`). The one surprising fact: all but
`payouts` are only ever added to, and triggers of the database refuse anything else, so a statement
that was made stays what it is. A payout has a state, and `payout_events` remembers each change.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from adserver.stores.tables import METADATA, Instant

PERIOD_EXTENSIONS = Table(
    "period_extensions",
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # 1 for the first
    Column("extended_at", Instant, nullable=False),
    Column("why", String(500), nullable=False),
)

CLOSINGS = Table(
    "closings",
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("closed_at", Instant, nullable=False),
    Column("ripe_until", Instant, nullable=False),  # hold days over by then count
    Column("pays_at", Instant, nullable=False),
    Column("head_hash", String(64), nullable=False),
    Column("statements", Integer, nullable=False),
)

CLOSING_FUNDING = Table(
    "closing_funding",  # what merchants that pay first had paid, at a closing
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("merchant_id", String(64), primary_key=True),
    Column("paid_minor", BigInteger, nullable=False),
    Column("used_minor", BigInteger, nullable=False),  # by what earlier closings made payable
    Column("available_minor", BigInteger, nullable=False),
)

CLOSING_ITEMS = Table(
    "closing_items",  # every line with money still open at a closing, and what came of it
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("partner_id", String(64), primary_key=True),
    Column("ref", String(160), primary_key=True),  # a row id, or "day/app/placement"
    Column("kind", String(8), nullable=False),  # order or ad
    Column("outcome", String(16), nullable=False),
    Column("payable_from", Instant),
    Column("amount_micros", BigInteger, nullable=False),
    Index("ix_closing_items_ref", "ref"),
)

STATEMENTS = Table(
    "statements",
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("partner_id", String(64), primary_key=True),
    Column("partner_name", String(200), nullable=False),
    Column("closed_at", Instant, nullable=False),
    Column("pays_at", Instant, nullable=False),
    Column("head_hash", String(64), nullable=False),
    Column("pending_opening", BigInteger, nullable=False),  # all accounts in micros
    Column("pending_closing", BigInteger, nullable=False),
    Column("payable_opening", BigInteger, nullable=False),
    Column("payable_closing", BigInteger, nullable=False),
    Column("clawback_opening", BigInteger, nullable=False),
    Column("clawback_closing", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),  # of payable: on its way to the bank
    Column("minimum_minor", BigInteger, nullable=False),
    Column("payout_minor", BigInteger, nullable=False),  # what the next payout would be
    Column("held", String(24), nullable=False),  # why there would be none; "" when there is one
    Index("ix_statements_partner_id", "partner_id"),
)

STATEMENT_STEPS = Table(
    "statement_steps",  # the bridge from estimated to payable
    METADATA,
    Column("period", String(7), primary_key=True),
    Column("currency", String(3), primary_key=True),
    Column("partner_id", String(64), primary_key=True),
    Column("item", String(32), primary_key=True),
    Column("lines", BigInteger, nullable=False),
    Column("amount_micros", BigInteger, nullable=False),
)

PAYOUTS = Table(
    "payouts",
    METADATA,
    Column("payout_id", String(128), primary_key=True),
    Column("period", String(7), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("partner_id", String(64), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("bank_account", String(64), nullable=False),
    Column("account_holder", String(200), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("note", String(500), nullable=False),  # the bank's reference, or why it failed
    Index("ix_payouts_partner_id", "partner_id", "currency"),
    Index("ix_payouts_period", "period", "currency"),
)

PAYOUT_EVENTS = Table(
    "payout_events",
    METADATA,
    Column("payout_id", String(128), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("note", String(500), nullable=False),
)
