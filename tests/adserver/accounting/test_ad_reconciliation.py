"""The proof that a day's money is its events', and the list where somebody touched either."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from adserver.accounting.ad_reconciliation import Compared, Difference, reconcile
from adserver.stores import database, migrations
from adserver.stores.database import connect_url
from affiliate.ad_revenue import Cell
from affiliate.partner import Subsidy, Terms, Tier
from models.domain.ids import PartnerId, PlacementId
from tests.adserver.accounting.ad_house import (
    CNY,
    D1,
    D2,
    D3,
    POOL,
    SHANGHAI,
    YUAN,
    Ads,
    at,
    cell,
    day_of,
)
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

TERMS = Terms(ad_share_ppm=900_000, subsidy=Subsidy(POOL, 300_000), guaranteed_ecpm_micros=YUAN)
CELLS = (
    cell(100, impressions=500, invalid=10),
    cell(0, impressions=5000, placement_id=PlacementId("pl2")),
    cell(20, partner_id=PartnerId("")),
)


@pytest.fixture
def ads(database_url: str) -> Iterator[Ads]:
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    opened = Ads(engine)
    opened.partner(terms=TERMS)
    opened.fund(20)
    yield opened
    engine.dispose()


def compared(ads: Ads, *cells: Cell) -> Compared:
    with database.reading(ads.engine) as connection:
        return reconcile(connection, day_of(D1, *cells), SHANGHAI, CNY)


def meddle(ads: Ads, *statements: str) -> None:
    """Changes the books behind everybody's back, triggers dropped first."""
    with database.writing(ads.engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
        else:
            names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in list(connection.execute(text(names)).scalars()):
                connection.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            connection.execute(text(statement))


def test_an_untouched_day_is_equal_to_the_micro_in_every_book(ads: Ads) -> None:
    ads.accrue(D1, *CELLS)
    assert compared(ads, *CELLS) == Compared(cells=3, rows=2, transactions=6, differences=())


def test_a_restated_day_with_a_short_fund_is_equal_too(ads: Ads) -> None:
    ads.accrue(D1, *CELLS)
    later = (cell(130, impressions=500, invalid=10), *CELLS[1:])
    ads.accrue(D1, *later, now=at(D3))
    assert ads.row_of("pl1").reason == "pool_empty"
    assert compared(ads, *later).differences == ()


def test_a_day_that_nobody_accrued_differs_in_all_it_has(ads: Ads) -> None:
    found = compared(ads, cell(100)).differences
    assert Difference("revenue", "adv1/li1/app1/pl1/p1", "revenue_micros", 100 * YUAN, 0) in found
    assert {one.book for one in found} == {"revenue", "share"}


def test_an_event_too_many_or_too_few_is_named_by_its_cell(ads: Ads) -> None:
    ads.accrue(D1, *CELLS)
    for revenue in (99, 101):
        found = compared(ads, cell(revenue, impressions=500, invalid=10), *CELLS[1:]).differences
        where = "adv1/li1/app1/pl1/p1"
        assert Difference("revenue", where, "revenue_micros", revenue * YUAN, 100 * YUAN) in found
        share = Difference(
            "share", "2026-10-05/app1/pl1/p1", "share_micros",
            (revenue - 10) * 900_000, 81 * YUAN,
        )  # fmt: skip
        assert share in found
        assert not [one for one in found if one.book == "ledger"]


def test_a_changed_posting_is_named_by_its_accounts(ads: Ads) -> None:
    ads.accrue(D1, *CELLS)
    meddle(
        ads,
        "UPDATE ledger_postings SET amount = amount + 1 WHERE account = 'partner_pending:p1' "
        "AND seq = (SELECT seq FROM ledger_transactions "
        "           WHERE key = 'adshare:2026-10-05:app1:pl1:p1:1:share')",
    )
    [found] = compared(ads, *CELLS).differences
    assert (found.book, found.where, found.what) == ("ledger", "adshare/app1/pl1/p1", "partner:p1")
    assert found.found == int(str(found.expected)) + 1


def test_a_transaction_that_is_gone_or_invented_is_named(ads: Ads) -> None:
    ads.accrue(D1, *CELLS)
    named = "WHERE key = 'adspend:2026-10-05:adv1:1'"
    meddle(ads, f"UPDATE ledger_transactions SET key = 'adspend:2026-10-05:adv9:1' {named}")
    found = compared(ads, *CELLS).differences
    assert [(one.where, one.what, one.expected, one.found) for one in found] == [
        ("adspend/adv1", "advertiser_prepaid:adv1", -110 * YUAN, 10 * YUAN),
        ("adspend/adv1", "platform_revenue", 110 * YUAN, -10 * YUAN),
        ("adspend/adv9", "advertiser_prepaid:adv1", 0, -120 * YUAN),
        ("adspend/adv9", "platform_revenue", 0, 120 * YUAN),
    ]


@pytest.mark.parametrize(
    ("column", "books"),
    [
        ("share_micros", {"share", "ledger"}),
        ("subsidy_micros", {"share", "ledger"}),
        ("guarantee_micros", {"share", "ledger"}),
        ("invalid_share_micros", {"share"}),
        ("invalid_guarantee_micros", {"share"}),
        ("estimated_micros", {"share"}),
        ("restated_micros", {"share"}),
        ("invalid_micros", {"share"}),
        ("revenue_micros", {"share"}),
        ("impressions", {"share"}),
        ("subsidy_wanted_micros", {"share"}),
        ("contract_version", {"share"}),
    ],
)
def test_no_number_of_a_share_can_be_changed_unseen(ads: Ads, column: str, books: set[str]) -> None:
    ads.accrue(D1, *CELLS)
    change = f"UPDATE ad_shares SET {column} = {column} + 1 WHERE placement_id = 'pl1'"
    meddle(ads, change) if column != "contract_version" else meddle(
        ads, "UPDATE ad_shares SET contract_id = '', contract_version = 0"
    )
    assert {one.book for one in compared(ads, *CELLS).differences} == books


def test_a_tier_that_should_have_moved_a_later_day_is_found(ads: Ads) -> None:
    ads.partner("p2", Terms(ad_share_ppm=400_000, ad_tiers=(Tier(15_000, 600_000),)))
    own = {"partner_id": PartnerId("p2")}
    ads.accrue(D1, cell(100, **own))
    ads.accrue(D2, cell(100, **own))
    assert compared(ads, cell(100, **own)).differences == ()
    found = compared(ads, cell(40, **own)).differences
    later = "2026-10-06/app1/pl1/p2"
    assert Difference("share", later, "share_micros", 40 * YUAN, 60 * YUAN) in found
