"""The tables of orders: what merchants told us, and what each line has come to.

Never here: queries (`orders`). The one surprising fact: facts are never changed, and rows are only
what the facts say together; a row's money is what the ledger has been told of it so far. `basis` is
what its rate was found by (`accounting.order_basis`), so that no later price list changes it.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, UniqueConstraint

from adserver.stores.tables import METADATA, Instant

ORDER_FACTS = Table(
    "order_facts",
    METADATA,
    Column("merchant_id", String(64), primary_key=True),
    Column("order_id", String(128), primary_key=True),
    Column("line_id", String(64), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("status", String(16), nullable=False),
    Column("sku", String(128), nullable=False),
    Column("category", String(128), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("click_id", String(4096), nullable=False),
    Column("coupon", String(64), nullable=False),
    Column("customer_ref", String(128), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("received_at", Instant, nullable=False),
)

ORDER_ROWS = Table(
    "order_rows",
    METADATA,
    Column("row_id", String(40), primary_key=True),
    Column("merchant_id", String(64), nullable=False),
    Column("order_id", String(128), nullable=False),
    Column("line_id", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("sku", String(128), nullable=False),
    Column("category", String(128), nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("paid_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("paid_at", Instant),
    Column("received_at", Instant),
    Column("customer_ref", String(128), nullable=False),
    # Whose it is, and why.
    Column("partner_id", String(64)),
    Column("contract_id", String(64)),
    Column("contract_version", Integer),
    Column("scope", String(160), nullable=False),  # contract, version, month, currency; or ""
    Column("method", String(16), nullable=False),
    Column("relation", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("touch_id", String(64), nullable=False),
    Column("touch_kind", String(8), nullable=False),
    Column("link_code", String(1024), nullable=False),
    Column("app_id", String(64), nullable=False),
    Column("placement_id", String(64), nullable=False),
    Column("line_item_id", String(64), nullable=False),
    Column("sub1", String(128), nullable=False),
    Column("sub2", String(128), nullable=False),
    Column("sub3", String(128), nullable=False),
    Column("sub4", String(128), nullable=False),
    Column("sub5", String(128), nullable=False),
    # What it earns, in minor units of its currency.
    Column("basis", String(4096), nullable=False),
    Column("rule", String(200), nullable=False),
    Column("rate_ppm", BigInteger),
    Column("flat_minor", BigInteger),
    Column("base_minor", BigInteger, nullable=False),
    Column("estimated_commission_minor", BigInteger),  # never overwritten
    Column("estimated_partner_minor", BigInteger),
    Column("actual_commission_minor", BigInteger),  # gross, once received
    Column("actual_partner_minor", BigInteger),
    Column("commission_minor", BigInteger, nullable=False),  # net, as the ledger has it
    Column("partner_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("pool_id", String(64), nullable=False),
    Column("subsidy_granted_minor", BigInteger, nullable=False),  # of the gross commission
    Column("subsidy_minor", BigInteger, nullable=False),  # net of refunds
    # How far it has come towards a payout.
    Column("payable_from", Instant),  # received and the hold days over; NULL before it is received
    Column("matured_minor", BigInteger, nullable=False),  # partner + subsidy made payable so far
    Column("postings", Integer, nullable=False),  # how many ledger transactions it has made
    Column("modified_at", Instant, nullable=False),
    Column("modified_seq", BigInteger, nullable=False),  # rises with every change of any row
    UniqueConstraint("merchant_id", "order_id", "line_id", name="uq_order_rows_line"),
    Index("ix_order_rows_scope", "scope"),
    Index("ix_order_rows_partner_modified", "partner_id", "modified_seq"),
    Index("ix_order_rows_partner_payable", "partner_id", "payable_from"),
    Index("ix_order_rows_partner_paid", "partner_id", "paid_at"),
    Index("ix_order_rows_customer", "merchant_id", "customer_ref"),
    Index("ix_order_rows_modified_seq", "modified_seq"),
)

CUSTOMER_TOUCHES = Table(
    "customer_touches",  # clicks of which somebody told us whose they were
    METADATA,
    Column("merchant_id", String(64), primary_key=True),  # whose name for the customer it is
    Column("customer_ref", String(128), primary_key=True),
    Column("touch_id", String(64), primary_key=True),
    Column("clicked_at", Instant, nullable=False),
    Column("touch", String(16384), nullable=False),  # all of it, as JSON
)

ORDER_DEPARTURES = Table(
    "order_departures",  # rows that were a partner's and are not any more
    METADATA,
    Column("row_id", String(40), primary_key=True),
    Column("partner_id", String(64), primary_key=True),
    Column("modified_at", Instant, nullable=False),
    Column("modified_seq", BigInteger, nullable=False),
    Index("ix_order_departures_partner", "partner_id", "modified_seq"),
)
