"""Partners and what belongs to them in SQL, on both databases: kept whole, remembered for good."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from adserver.stores import migrations, partners
from adserver.stores.database import connect_url, reading, writing
from adserver.stores.partner_rows import terms_document, terms_from
from adserver.stores.partners import Because, Life
from affiliate.merchandise import Merchant
from affiliate.partner import (
    Contract,
    Coupon,
    Partner,
    Rate,
    Standing,
    Subsidy,
    Terms,
    Tier,
    TierKind,
)
from models.domain.ids import AppId, ContractId, MerchantId, PartnerId, PlacementId, PoolId
from models.domain.money import Micros
from tests.adserver.stores.sql_databases import database_url
from tests.builders import NOW

__all__ = ["database_url"]

DAY = timedelta(days=1)
P, Q, SHOP = PartnerId("p"), PartnerId("q"), MerchantId("shop")
FULL = Partner(
    P, "Reader", "money@reader.example", Standing.APPROVED, "good", ("https://reader.example",),
    frozenset({"a", "b"}), "6222021234567890", "Reader Ltd",
)  # fmt: skip
SHOPKEEPER = Merchant(
    SHOP, "Shop", "https://shop.example", "CNY", Rate(ppm=80_000),
    (("phone", Rate(ppm=31_000)), ("手机", Rate(flat_minor=500))), frozenset({"gift"}), True,
)  # fmt: skip
TERMS = Terms(
    timedelta(days=3, milliseconds=1), ((MerchantId(""), Rate(ppm=1)), (SHOP, Rate(flat_minor=2))),
    Rate(ppm=3), Rate(flat_minor=4), (Tier(0, 5), Tier(6, 7)), 8, 9, 10, (Tier(11, 12),),
    TierKind.MARGINAL, Micros(13), Subsidy(PoolId("support"), 1_300_000, 14), 15, 16,
)  # fmt: skip


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    yield engine
    engine.dispose()


def contract(name: str = "c", version: int = 1, days: int = 0) -> Contract:
    return Contract(ContractId(name), version, P, NOW + days * DAY, TERMS, NOW + 99 * DAY)


def test_everything_comes_back_as_it_went_in(engine: Engine) -> None:
    narrow = Contract(
        ContractId("n"), 1, P, NOW, Terms(), None, AppId("app"), PlacementId("slot")
    )  # fmt: skip
    coupon = Coupon("Reader10", SHOP, P, NOW, NOW + DAY, Rate(flat_minor=500))
    plain = Coupon("PLAIN", SHOP, P, NOW)
    with writing(engine) as connection:
        partners.add_partner(connection, FULL, NOW)
        partners.add_merchant(connection, SHOPKEEPER, NOW)
        for one in (contract(days=1), narrow):
            partners.add_contract(connection, one, NOW)
        for code in (coupon, plain):
            partners.add_coupon(connection, code, NOW)
    with reading(engine) as connection:
        assert partners.partners_of(connection, [P, Q]) == {P: FULL}
        assert partners.all_partners(connection) == {P: FULL}
        both = [narrow, contract(days=1)]
        assert partners.contracts_of(connection, [P, Q]) == {P: both, Q: []}
        assert partners.all_contracts(connection) == {P: both}
        assert partners.merchant_of(connection, SHOP) == SHOPKEEPER
        assert partners.merchant_of(connection, MerchantId("gone")) is None
        assert partners.merchants(connection) == {SHOP: SHOPKEEPER}
        assert partners.all_coupons(connection) == [plain, coupon]
        found = partners.coupons_of(connection, SHOP, ["READER10", " reader10 ", "gone", ""])
        assert found == {"READER10": coupon, " reader10 ": coupon}
        assert partners.coupons_of(connection, MerchantId("other"), ["READER10"]) == {}


def test_asking_for_nobody_asks_nothing(engine: Engine) -> None:
    with reading(engine) as connection:
        assert partners.partners_of(connection, []) == {}
        assert partners.contracts_of(connection, []) == {}
        assert partners.coupons_of(connection, SHOP, []) == {}
        assert partners.lives_of(connection, []) == {}
        assert partners.merchant_life(connection, SHOP) is None


def test_more_partners_than_a_statement_has_parameters_for(engine: Engine) -> None:
    everyone = [PartnerId(f"p{number}") for number in range(1_200)]
    with writing(engine) as connection:
        for one in everyone:
            partners.add_partner(connection, Partner(one, one), NOW)
    with reading(engine) as connection:
        assert partners.partners_of(connection, everyone).keys() == set(everyone)
        assert partners.lives_of(connection, everyone).keys() == set(everyone)


def test_one_code_of_a_merchant_is_one_partners(engine: Engine) -> None:
    with writing(engine) as connection:
        partners.add_partner(connection, FULL, NOW)
        partners.add_merchant(connection, SHOPKEEPER, NOW)
        partners.add_coupon(connection, Coupon("CODE", SHOP, P, NOW, NOW + DAY), NOW)
    with pytest.raises(IntegrityError), writing(engine) as connection:
        partners.add_coupon(connection, Coupon("code", SHOP, P, NOW + 9 * DAY), NOW)


def test_a_contract_needs_its_partner_and_a_version_is_there_once(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as connection:
        partners.add_contract(connection, contract(), NOW)
    with writing(engine) as connection:
        partners.add_partner(connection, FULL, NOW)
        partners.add_contract(connection, contract(), NOW)
    with pytest.raises(IntegrityError), writing(engine) as connection:
        partners.add_contract(connection, contract(days=5), NOW)


def test_every_change_adds_a_line_to_the_history(engine: Engine) -> None:
    with writing(engine) as connection:
        partners.add_partner(connection, FULL, NOW, Because("applied", "ann", "met at a fair"))
        partners.put_partner(connection, Partner(P, "New"), NOW + DAY, Because("changed", "bob"))
        partners.add_contract(connection, contract(), NOW)
        lines = partners.history_of(connection, "partner", P)
        assert [(line.at, line.because.what, line.because.who) for line in lines] == [
            (NOW, "applied", "ann"),
            (NOW + DAY, "changed", "bob"),
        ]
        assert lines[0].because.why == "met at a fair"
        assert [line.state["name"] for line in lines] == ["Reader", "New"]
        (agreed,) = partners.history_of(connection, "contract", "c")
        assert (agreed.version, agreed.state["starts_at"]) == (1, NOW.isoformat())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE partner_history SET why = 'another'",
        "UPDATE partner_history SET why = 'another' WHERE seq = -1 OR seq > 0",
        "DELETE FROM partner_history",
        "DELETE FROM partner_history WHERE kind = 'partner'",
    ],
)
def test_the_database_refuses_to_change_the_history(engine: Engine, statement: str) -> None:
    with writing(engine) as connection:
        partners.add_partner(connection, FULL, NOW)
    with pytest.raises(DBAPIError, match="only added to"), writing(engine) as connection:
        connection.execute(text(statement))
    with reading(engine) as connection:
        assert len(partners.history_of(connection, "partner", P)) == 1


def test_the_database_refuses_to_replace_or_empty_the_history(engine: Engine) -> None:
    with writing(engine) as connection:
        partners.add_partner(connection, FULL, NOW)
    statement = {
        "sqlite": "INSERT OR REPLACE INTO partner_history SELECT * FROM partner_history",
        "postgresql": "TRUNCATE partner_history",
    }[engine.dialect.name]
    with pytest.raises(DBAPIError, match="only added to"), writing(engine) as connection:
        connection.execute(text(statement))


def test_a_life_knows_what_was_at_any_instant(engine: Engine) -> None:
    with writing(engine) as connection:
        partners.add_merchant(connection, SHOPKEEPER, NOW)
        dearer = Merchant(SHOP, "Shop", "https://shop.example", default_rate=Rate(ppm=90_000))
        partners.put_merchant(connection, dearer, NOW + DAY)
        life = partners.merchant_life(connection, SHOP)
    assert life is not None
    tick = timedelta(microseconds=1)
    assert life.at(NOW - 99 * DAY) == SHOPKEEPER
    assert life.at(NOW + DAY - tick) == SHOPKEEPER
    assert life.at(NOW + DAY) == dearer


def test_an_approval_counts_for_what_was_before_it_and_a_suspension_does_not(
    engine: Engine,
) -> None:
    steps = (
        Standing.APPLIED, Standing.REJECTED, Standing.APPROVED, Standing.SUSPENDED,
        Standing.APPROVED,
    )  # fmt: skip
    with writing(engine) as connection:
        partners.add_partner(connection, Partner(P, "P"), NOW - DAY)
        partners.add_partner(connection, Partner(Q, "Q"), NOW)
        for day, standing in enumerate(steps):
            partners.put_partner(connection, Partner(P, "P", standing=standing), NOW + day * DAY)
        lives = partners.lives_of(connection, [P, Q])
    was = [lives[P].at(NOW + half * DAY / 2).standing for half in range(-4, 10)]
    assert was == [Standing.APPROVED] * 10 + [Standing.SUSPENDED] * 2 + [Standing.APPROVED] * 2
    assert lives[Q].at(NOW - 9 * DAY).standing is Standing.APPLIED


def test_the_history_does_not_go_back_when_a_clock_does(engine: Engine) -> None:
    with writing(engine) as connection:
        partners.add_partner(connection, FULL, NOW)
        partners.put_partner(connection, Partner(P, "New"), NOW - DAY)
        assert [line.at for line in partners.history_of(connection, "partner", P)] == [NOW, NOW]
        assert partners.lives_of(connection, [P])[P].at(NOW).name == "New"


def test_terms_from_before_a_term_was_known_have_its_default() -> None:
    old = {name: value for name, value in terms_document(TERMS).items() if name != "hold_days"}
    assert terms_from(old).hold_days == Terms().hold_days
    assert terms_from(terms_document(TERMS)) == TERMS


@settings(max_examples=200)
@given(st.lists(st.integers(-50, 50), min_size=1), st.integers(-60, 60))
def test_a_life_answers_the_last_state_that_had_begun(starts: list[int], at: int) -> None:
    states = tuple((NOW + start * DAY, number) for number, start in enumerate(sorted(starts)))
    begun = [number for since, number in states if since <= NOW + at * DAY]
    assert Life(states).at(NOW + at * DAY) == (begun[-1] if begun else 0)
