"""The order desk: reports become rows and ledger entries, on SQLite and PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests.adserver.accounting.shop import Shop, opened, yuan
from tests.adserver.stores.sql_databases import database_url
from tests.affiliate.sales import fact

__all__ = ["database_url"]


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    with opened(database_url) as empty:
        yield empty.furnish(hold_days=7, commission_share_ppm=900_000)


def test_a_sale_after_a_click_is_the_partners_and_the_ledger_knows(shop: Shop) -> None:
    assert shop.tell(fact(click_id=shop.click())) == ["accepted"]
    row = shop.row()
    assert (row.partner_id, row.method, row.relation, row.reason) == ("ann", "click", "direct", "")
    assert (row.commission_minor, row.partner_minor, row.fee_minor) == (1_000, 900, 100)
    assert row.scope == "c1:1:2026-11"
    assert shop.balances() == {
        "merchant_receivable:m1": yuan(-10),
        "partner_pending:ann": yuan(9),
        "platform_fee": yuan(1),
    }
