"""Alembic runs this file for every migration; the connection comes from `upgrade`.

Never here: a database address. Alembic is not run from its own command line in this house.
"""

from alembic import context

from adserver.stores import (
    account_tables,
    advertiser_tables,
    creative_tables,
    ledger_tables,
    link_tables,
    order_tables,
    partner_desk_tables,
    partner_tables,
    product_tables,
    report_tables,
    revenue_tables,
    settlement_tables,
    switch_tables,
    tables,
    webhook_tables,
)

MONEY = (
    advertiser_tables,
    ledger_tables,
    link_tables,
    order_tables,
    partner_tables,
    product_tables,
    revenue_tables,
    settlement_tables,
)  # imported for their tables, which are in METADATA then

PEOPLE = (account_tables, switch_tables, webhook_tables)
CREATIVES = (creative_tables, partner_desk_tables)
REPORTS = (report_tables,)

context.configure(
    connection=context.config.attributes["connection"], target_metadata=tables.METADATA
)
context.run_migrations()
