"""A file of partners goes in whole or not at all, twice like once, and comes out as it went in."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adserver.marketplace.problem import CatalogError
from adserver.stores import migrations, partners as stored
from adserver.stores.database import connect_url
from adserver.stores.partner_changes import SqlPartners
from adserver.stores.partner_import import export_partners, import_partners
from affiliate.partner import Standing, contract_for_sales
from models.domain.ids import ContractId, PartnerId
from tests.adserver.stores.sql_databases import database_url
from tests.builders import NOW

__all__ = ["database_url"]

ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
FILE = """
merchants:
  - {merchant_id: shop, name: 店, home_url: "https://shop.example", default_rate: 8%,
     category_rates: [phone=3.1%, toys=1.00], gift_categories: [cards]}
  - {merchant_id: jp, name: JP, home_url: "https://jp.example", currency: JPY, default_rate: 500}
partners:
  - partner_id: p
    name: Reader
    standing: approved
    sites: [https://reader.example]
    customer_refs: [h1, h2]
    bank_account: 6222 0212 3456 7890
    account_holder: Reader Ltd
  - {partner_id: q, name: Q, standing: suspended, standing_reason: fraud}
  - {partner_id: r, name: R}
contracts:
  - {contract_id: c, partner_id: p, starts_at: 2026-06-01, commission_share: 95%, tiers: ["10:12%"]}
  - contract_id: c
    partner_id: p
    starts_at: 2026-01-01
    ends_at: 2026-06-01
    commission_share: 90%
    subsidy: support:30%
    subsidy_cap: 5000
coupons:
  - {code: READER10, merchant_id: shop, partner_id: p, starts_at: 2026-01-01, rate: 10%}
  - {code: JP, merchant_id: jp, partner_id: p, rate: 50}
"""


@pytest.fixture
def house(database_url: str) -> Iterator[SqlPartners]:
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    yield SqlPartners(engine, "CNY", ZONE)
    engine.dispose()


def test_a_file_sets_up_a_whole_house_and_again_changes_nothing(house: SqlPartners) -> None:
    done = import_partners(house, FILE, NOW, who="ann")
    assert done == {
        "merchants": {"added": 2},
        "partners": {"added": 3},
        "contracts": {"added": 1, "changed": 1},
        "coupons": {"added": 2},
    }
    again = import_partners(house, FILE, NOW + DAY)
    assert [dict(counts) for counts in again.values()] == [
        {"unchanged": 2}, {"unchanged": 3}, {"unchanged": 2}, {"unchanged": 2},
    ]  # fmt: skip
    with house.reading() as connection:
        partners = stored.all_partners(connection)
        assert [one.standing for one in partners.values()] == [
            Standing.APPROVED, Standing.SUSPENDED, Standing.APPLIED,
        ]  # fmt: skip
        assert partners[PartnerId("q")].standing_reason == "fraud"
        contracts = stored.contracts_of(connection, [PartnerId("p")])[PartnerId("p")]
        lines = stored.history_of(connection, "partner", "q")
    assert [line.because.what for line in lines] == ["applied", "approved", "suspended"]
    for month, share in ((3, 900_000), (7, 950_000)):
        found = contract_for_sales(contracts, datetime(2026, month, 1, tzinfo=ZONE))
        assert found is not None
        assert found.terms.commission_share_ppm == share


def test_what_is_exported_makes_the_same_house(
    house: SqlPartners, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import_partners(house, FILE, NOW)
    text = export_partners(house, banks=True)
    engine = connect_url(f"sqlite:///{tmp_path_factory.mktemp('b') / 'other.sqlite'}")
    migrations.upgrade(engine)
    other = SqlPartners(engine, "CNY", ZONE)
    import_partners(other, text, NOW)
    assert export_partners(other, banks=True).replace("standing_reason: as imported", "") == (
        text.replace("standing_reason: as imported", "")
    )
    with house.reading() as mine, other.reading() as theirs:
        assert stored.all_contracts(mine) == stored.all_contracts(theirs)
        assert stored.all_coupons(mine) == stored.all_coupons(theirs)
        assert stored.merchants(mine) == stored.merchants(theirs)
    assert "6222" not in export_partners(house)
    assert all(
        set(counts) == {"unchanged"} for counts in import_partners(house, text, NOW).values()
    )
    engine.dispose()


def test_a_contract_that_says_something_new_becomes_its_next_version(house: SqlPartners) -> None:
    import_partners(house, FILE, NOW)
    more = "contracts: [{contract_id: c, partner_id: p, commission_share: 99%}]"
    assert import_partners(house, more, NOW) == {"contracts": {"changed": 1}}
    assert import_partners(house, more, NOW + 9 * DAY) == {"contracts": {"unchanged": 1}}
    with house.reading() as connection:
        versions = stored.versions_of(connection, ContractId("c"))
    assert [one.version for one in versions] == [1, 2, 3]
    assert versions[2].starts_at == datetime(2026, 11, 19, tzinfo=ZONE)


def test_an_import_changes_what_it_names_and_leaves_the_rest(house: SqlPartners) -> None:
    import_partners(house, FILE, NOW)
    more = "partners: [{partner_id: p, name: New, standing: suspended, sites: }]"
    import_partners(house, more, NOW)
    with house.reading() as connection:
        after = stored.all_partners(connection)[PartnerId("p")]
    assert (after.name, after.sites, after.account_holder) == ("New", (), "Reader Ltd")
    assert (after.standing, after.standing_reason) == (Standing.SUSPENDED, "as imported")


def test_an_end_that_is_new_ends_a_contract_and_a_coupon(house: SqlPartners) -> None:
    import_partners(house, FILE, NOW)
    more = FILE.replace("tiers: [", "ends_at: 2099-01-01, tiers: [").replace(
        "rate: 50}", "rate: 50, ends_at: 2099-01-01}"
    )
    done = import_partners(house, more, NOW)
    assert done["contracts"] == {"changed": 1, "unchanged": 1}
    assert done["coupons"] == {"changed": 1, "unchanged": 1}
    back = FILE.replace("rate: 10%", "rate: 11%")
    with pytest.raises(
        CatalogError, match="line 26, coupon READER10: keeps its start and its rate"
    ):
        import_partners(house, back, NOW)


def test_a_dry_run_counts_and_writes_nothing(house: SqlPartners) -> None:
    assert import_partners(house, FILE, NOW, dry_run=True)["partners"] == {"added": 3}
    with house.reading() as connection:
        assert stored.all_partners(connection) == {}


def test_one_refusal_leaves_the_house_as_it_was_and_names_its_line(house: SqlPartners) -> None:
    bad = FILE + "  - {code: reader10, merchant_id: shop, partner_id: r}\n"
    with pytest.raises(CatalogError, match="line 28, coupon reader10, code: is p's at shop"):
        import_partners(house, bad, NOW)
    with house.reading() as connection:
        assert stored.all_partners(connection) == {}
        assert stored.merchants(connection) == {}


def test_every_mistake_of_a_file_is_named_with_its_line(house: SqlPartners) -> None:
    bad = """
partners:
  - {partner_id: p, nme: Reader}
  - {name: Nobody}
contracts:
  - contract_id: c
    commission_share: 90
    rates: [12%, shop]
coupon: []
merchants: 5
"""
    with pytest.raises(CatalogError) as refused:
        import_partners(house, bad, NOW)
    assert [(one.line, one.field, one.message[:24]) for one in refused.value.problems] == [
        (3, "nme", "is not known here; name?"),
        (4, "partner_id", "is missing: without it a"),
        (7, "commission_share", "a percentage such as 12%"),
        (8, "rates[1]", "a rate is 12% or a flat "),
        (9, "coupon", "is not known here; coupo"),
        (10, "merchants", "a list of things with fi"),
    ]


def test_fields_that_are_needed_are_asked_for(house: SqlPartners) -> None:
    for file, missing in (
        ("partners: [{partner_id: p}]", "partner p, name: is missing"),
        ("coupons: [{code: A, partner_id: p}]", "coupon A, merchant_id: is missing"),
        ("merchants: [{merchant_id: m, name: M}]", "merchant m, home_url: is missing"),
    ):
        with pytest.raises(CatalogError, match=missing):
            import_partners(house, file, NOW)


def test_a_partner_does_not_become_an_applicant_again(house: SqlPartners) -> None:
    import_partners(house, FILE, NOW)
    with pytest.raises(CatalogError, match="is approved and cannot become applied again"):
        import_partners(house, "partners: [{partner_id: p, name: P, standing: applied}]", NOW)


@pytest.mark.parametrize("text", ["", "partners:", "{}", "coupons: []"])
def test_an_empty_file_is_taken_for_nothing(house: SqlPartners, text: str) -> None:
    assert import_partners(house, text, NOW) == {}


@pytest.mark.parametrize("text", ["[]", "5", "partners: [5]", "partners: {p: 5}", "a: [", "\x00"])
def test_a_file_of_another_shape_is_refused(house: SqlPartners, text: str) -> None:
    with pytest.raises(CatalogError):
        import_partners(house, text, NOW)
