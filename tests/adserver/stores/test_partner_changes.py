"""What may change of partners, contracts, coupons and merchants, and what is refused, with why."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from adserver.marketplace.problem import CatalogError
from adserver.stores import migrations, partners as stored
from adserver.stores.catalog import SqlCatalog
from adserver.stores.database import connect_url
from adserver.stores.ledger import Journal
from adserver.stores.partner_changes import STEPS, SqlPartners
from adserver.stores.partner_lookup import coupon_of, merchant_of, partner_of, versions_of
from affiliate.calendar import Period
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
    contract_for_ads,
    contract_for_sales,
)
from affiliate.succession import Succession
from models.domain.ids import AppId, ContractId, MerchantId, PartnerId, PlacementId, PoolId
from tests.adserver.stores.sql_databases import database_url
from tests.builders import NOW, app, marketplace, placement

__all__ = ["database_url"]

DAY = timedelta(days=1)
ZONE = ZoneInfo("Asia/Shanghai")
P, Q, SHOP = PartnerId("p"), PartnerId("q"), MerchantId("shop")
A_SHOP = Merchant(SHOP, "Shop", "https://shop.example", default_rate=Rate(ppm=80_000))


@pytest.fixture
def house(database_url: str) -> Iterator[SqlPartners]:
    """Two approved partners, a merchant, and an app with a slot that is the first partner's."""
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    SqlCatalog(engine).replace(
        marketplace(apps=(app(partner_id=P),), placements=(placement(),)), NOW
    )
    partners = SqlPartners(engine, "CNY", ZONE)
    with partners.changing(NOW) as changes:
        for one in (P, Q):
            changes.apply(Partner(one, one))
            changes.step("approve", one)
        changes.add_merchant(A_SHOP)
    yield partners
    partners.close()


def contract(name: str, starts: int = 1, version: int = 1, **changes: object) -> Contract:
    plain = Contract(ContractId(name), version, P, NOW + starts * DAY, Terms())
    return replace(plain, **changes)  # type: ignore[arg-type]


def agree(house: SqlPartners, one: Contract, now: datetime = NOW) -> Succession:
    with house.changing(now) as changes:
        return changes.agree(one)


def standing(house: SqlPartners) -> Standing:
    with house.reading() as connection:
        return partner_of(connection, P).standing


def test_an_application_waits_for_approval_whatever_it_says_itself(house: SqlPartners) -> None:
    with house.changing(NOW) as changes:
        changes.apply(Partner(PartnerId("new"), "New", standing=Standing.APPROVED), "by mail")
    with house.reading() as connection:
        new = partner_of(connection, PartnerId("new"))
    assert (new.standing, new.standing_reason) == (Standing.APPLIED, "by mail")


def test_the_steps_of_a_partners_life(house: SqlPartners) -> None:
    for verb, why, after in (
        ("suspend", "fraud", Standing.SUSPENDED),
        ("restore", "cleared", Standing.APPROVED),
    ):
        with house.changing(NOW, "ann") as changes:
            changes.step(verb, P, why)
        assert standing(house) is after
    with house.reading() as connection:
        lines = stored.history_of(connection, "partner", P)
    assert [(line.because.what, line.because.who, line.because.why) for line in lines[-2:]] == [
        ("suspended", "ann", "fraud"),
        ("restored", "ann", "cleared"),
    ]


def test_every_step_from_everywhere_leads_on_or_is_refused(house: SqlPartners) -> None:
    for number, (whence, verb) in enumerate((s, v) for s in Standing for v in STEPS):
        who = PartnerId(f"w{number}")
        with house.changing(NOW) as changes:
            stored.add_partner(changes.connection, Partner(who, "W", standing=whence), NOW)
            step = STEPS[verb]
            if whence in step.whence or whence is step.to:
                assert changes.step(verb, who, "why").standing is step.to
            else:
                with pytest.raises(CatalogError, match=f"is {whence}; to {verb} is for partners"):
                    changes.step(verb, who, "why")


def test_a_step_taken_already_leaves_no_second_line(house: SqlPartners) -> None:
    with house.changing(NOW) as changes:
        before = stored.history_of(changes.connection, "partner", P)
        changes.step("approve", P)
        assert stored.history_of(changes.connection, "partner", P) == before


@pytest.mark.parametrize("verb", ["suspend", "reject"])
def test_taking_something_away_needs_a_reason(house: SqlPartners, verb: str) -> None:
    whence = min(STEPS[verb].whence)
    with house.changing(NOW) as changes:
        stored.add_partner(changes.connection, Partner(PartnerId("x"), "X", standing=whence), NOW)
        with pytest.raises(CatalogError, match=f"to {verb} needs a reason"):
            changes.step(verb, PartnerId("x"), "  ")


def test_an_edit_changes_neither_id_nor_standing_and_says_what_it_changed(
    house: SqlPartners,
) -> None:
    with house.changing(NOW, "ann") as changes:
        other = Partner(Q, "New name", "new@p.example", Standing.SUSPENDED)
        after = changes.edit(P, lambda _: other, "moved")
        assert after == Partner(P, "New name", "new@p.example", Standing.APPROVED)
        changes.edit(P, lambda one: one)
        last = stored.history_of(changes.connection, "partner", P)[-1]
    assert last.because == stored.Because("changed", "ann", "name, email (moved)")


BAD_APPLICATIONS = [
    (Partner(PartnerId("p"), "P"), "is there already"),
    (Partner(PartnerId("a b"), "P"), "partner_id: must be 1 to 64 letters"),
    (Partner(PartnerId("n"), ""), "name: must have 1 to 200"),
    (Partner(PartnerId("n"), "N", "nobody"), "email: must be a mail address"),
    (Partner(PartnerId("n"), "N", sites=("ftp://x.example",)), "sites: must be an http"),
    (Partner(PartnerId("n"), "N", bank_account="12 34"), "bank_account: must be 4 to 64"),
    (Partner(PartnerId("n"), "N", bank_account="12345"), "account_holder: is missing"),
    (Partner(PartnerId("n"), "N", customer_refs=frozenset({""})), "customer_refs: must have"),
]


def test_an_application_that_cannot_be_is_refused(house: SqlPartners) -> None:
    for partner, complaint in BAD_APPLICATIONS:
        with pytest.raises(CatalogError, match=complaint), house.changing(NOW) as changes:
            changes.apply(partner)


def test_a_contract_is_counted_in_versions_that_keep_partner_and_scope(
    house: SqlPartners,
) -> None:
    agree(house, contract("c"))
    for wrong in (1, 3):
        with pytest.raises(CatalogError, match="has 1 versions"):
            agree(house, contract("c", 2, wrong))
    for other in ({"partner_id": Q}, {"app_id": AppId("app1"), "partner_id": P}):
        with pytest.raises(CatalogError, match="keeps its partner, app and placement"):
            agree(house, contract("c", 2, 2, **other))
    after = agree(house, contract("c", 2, 2))
    assert [one.ends_at for one in after.ended] == [NOW + 2 * DAY]
    with house.reading() as connection:
        first, second = versions_of(connection, ContractId("c"))
    assert (first.ends_at, second.ends_at) == (NOW + 2 * DAY, None)


BAD_CONTRACTS: list[tuple[dict[str, object], str]] = [
    ({"partner_id": PartnerId("gone")}, "partner gone: there is no such partner"),
    ({"app_id": AppId("gone")}, "app edit gone --partner p"),
    ({"app_id": AppId("app1"), "partner_id": Q}, "app 'app1' is not this partner's"),
    ({"placement_id": PlacementId("gone")}, "there is no placement 'gone'"),
    ({"app_id": AppId("x"), "placement_id": PlacementId("pl1")}, "'pl1' in app x"),
    ({"placement_id": PlacementId("pl1"), "partner_id": Q}, "app 'app1' is not this partner's"),
    ({"ends_at": NOW}, "ends_at: must be later than starts_at"),
    ({"terms": Terms(commission_share_ppm=1_000_001)}, "commission_share: must be at most"),
    ({"terms": Terms(ad_share_ppm=-1)}, "ad_share: must be at most 100%"),
    ({"terms": Terms(tiers=(Tier(5, 1), Tier(4, 1)))}, "tiers: must rise"),
    ({"terms": Terms(tiers=(Tier(5, 1), Tier(5, 2)))}, "tiers: names the same thing twice"),
    ({"terms": Terms(rates=((SHOP, Rate(ppm=1_000_001)),))}, "rates: a rate is at most 100%"),
    ({"terms": Terms(subsidy=Subsidy(PoolId("x"), 0))}, "subsidy: a subsidy is more than 0%"),
    ({"terms": Terms(hold_days=-1)}, "hold_days: must be 0 to 365"),
    ({"terms": Terms(window=timedelta(0))}, "window: must be more than nothing"),
    ({"terms": Terms(minimum_payout_minor=-1)}, "minimum_payout: must not be negative"),
]


def test_a_contract_that_cannot_be_is_refused(house: SqlPartners) -> None:
    for changes, complaint in BAD_CONTRACTS:
        with pytest.raises(CatalogError, match=complaint):
            agree(house, contract("c", **changes))
    with house.reading() as connection:
        assert stored.all_contracts(connection) == {}


def test_a_contract_for_an_app_and_for_a_slot_of_the_partners(house: SqlPartners) -> None:
    agree(house, contract("a", app_id=AppId("app1")))
    agree(house, contract("b", app_id=AppId("app1"), placement_id=PlacementId("pl1")))
    agree(house, contract("c", placement_id=PlacementId("pl1")))


def test_no_contract_and_no_coupon_begins_in_a_closed_month(house: SqlPartners) -> None:
    with house.changing(NOW) as changes:
        Journal(changes.connection, ZONE).close_through("CNY", Period("2026-10"), NOW)
    begin = datetime(2026, 11, 1, tzinfo=ZONE)
    early = begin - timedelta(microseconds=1)
    with pytest.raises(CatalogError, match=r"months before 2026-11-01 00:00:00\+08:00 are closed"):
        agree(house, contract("c", starts_at=early))
    agree(house, contract("c", starts_at=begin))
    with house.changing(NOW) as changes:
        with pytest.raises(CatalogError, match="are closed"):
            changes.add_coupon(Coupon("CODE", SHOP, P, early))
        changes.add_coupon(Coupon("CODE", SHOP, P, begin))


def test_a_month_closed_in_a_merchants_currency_is_closed_too(house: SqlPartners) -> None:
    with house.changing(NOW) as changes:
        changes.add_merchant(replace(A_SHOP, merchant_id=MerchantId("jp"), currency="JPY"))
        Journal(changes.connection, ZONE).close_through("JPY", Period("2026-10"), NOW)
        assert changes.open_from() == datetime(2026, 11, 1, tzinfo=ZONE)


def test_without_a_start_the_first_contract_holds_from_this_midnight_and_the_next_from_the_next(
    house: SqlPartners,
) -> None:
    with house.changing(NOW) as changes:
        draft = contract("a")
        start = changes.earliest_start(draft)
        assert start == datetime(2026, 11, 18, tzinfo=ZONE)
        changes.agree(replace(draft, starts_at=start))
        assert changes.earliest_start(contract("b")) == datetime(2026, 11, 19, tzinfo=ZONE)
        other = contract("b", partner_id=Q)
        assert changes.earliest_start(other) == datetime(2026, 11, 18, tzinfo=ZONE)


def test_a_version_ends_when_it_is_told_to_and_not_in_the_past(house: SqlPartners) -> None:
    agree(house, contract("c", -5))
    with house.changing(NOW) as changes:
        (version,) = versions_of(changes.connection, ContractId("c"))
        with pytest.raises(CatalogError, match="an end lies in the future"):
            changes.end_contract(version, NOW)
        changes.end_contract(version, NOW + DAY, "over")
        (version,) = versions_of(changes.connection, ContractId("c"))
        assert version.ends_at == NOW + DAY
        line = stored.history_of(changes.connection, "contract", "c")[-1]
        assert (line.because.what, line.because.why) == ("ended", "over")


def test_a_code_is_given_once_whatever_its_case_and_its_end(house: SqlPartners) -> None:
    with house.changing(NOW) as changes:
        changes.add_coupon(Coupon("Reader10", SHOP, P, NOW, NOW + DAY))
        for partner in (P, Q):
            late = Coupon("READER10", SHOP, partner, NOW + 9 * DAY)
            with pytest.raises(CatalogError, match="is p's at shop for good; choose another"):
                changes.add_coupon(late)


BAD_COUPONS = [
    (Coupon("A B", SHOP, P, NOW), "code: must be 1 to 64"),
    (Coupon("", SHOP, P, NOW), "code: must be 1 to 64"),
    (Coupon("A", MerchantId("gone"), P, NOW), "there is no such merchant"),
    (Coupon("A", SHOP, PartnerId("gone"), NOW), "there is no such partner"),
    (Coupon("A", SHOP, P, NOW, NOW), "ends_at: must be later"),
    (Coupon("A", SHOP, P, NOW, rate=Rate(ppm=1_000_001)), "rate: a rate is at most 100%"),
]


def test_a_coupon_that_cannot_be_is_refused(house: SqlPartners) -> None:
    for coupon, complaint in BAD_COUPONS:
        with pytest.raises(CatalogError, match=complaint), house.changing(NOW) as changes:
            changes.add_coupon(coupon)


def test_a_coupon_ends_in_the_future_and_its_end_is_not_put_off(house: SqlPartners) -> None:
    with house.changing(NOW) as changes:
        changes.add_coupon(Coupon("A", SHOP, P, NOW - DAY))
        with pytest.raises(CatalogError, match="an end lies in the future"):
            changes.end_coupon(coupon_of(changes.connection, SHOP, "a"), NOW)
        changes.end_coupon(coupon_of(changes.connection, SHOP, "a"), NOW + DAY)
        found = coupon_of(changes.connection, SHOP, "A")
        assert found.ends_at == NOW + DAY
        with pytest.raises(CatalogError, match="it ends earlier already"):
            changes.end_coupon(found, NOW + DAY)
        changes.add_coupon(Coupon("B", SHOP, P, NOW + 5 * DAY))
        void = changes.end_coupon(coupon_of(changes.connection, SHOP, "B"), NOW + DAY)
        assert void.ends_at == void.starts_at


def test_a_merchant_keeps_its_currency_and_its_past_rates_are_known(house: SqlPartners) -> None:
    with house.changing(NOW + DAY) as changes:
        with pytest.raises(CatalogError, match="currency: stays CNY"):
            changes.edit_merchant(SHOP, lambda one: replace(one, currency="JPY"))
        changes.edit_merchant(SHOP, lambda one: replace(one, default_rate=Rate(ppm=90_000)))
        life = stored.merchant_life(changes.connection, SHOP)
        assert merchant_of(changes.connection, SHOP).default_rate == Rate(ppm=90_000)
    assert life is not None
    assert life.at(NOW).default_rate == Rate(ppm=80_000)


def test_changes_of_one_transaction_are_all_there_or_none(house: SqlPartners) -> None:
    def suspend(*ids: PartnerId) -> None:
        with house.changing(NOW) as changes:
            for one in ids:
                changes.step("suspend", one, "fraud")

    with pytest.raises(CatalogError, match="no such partner"):
        suspend(P, PartnerId("gone"))
    assert standing(house) is Standing.APPROVED


def test_of_many_who_want_one_code_at_once_one_gets_it(house: SqlPartners) -> None:
    def want(number: int) -> bool:
        try:
            with house.changing(NOW) as changes:
                changes.add_coupon(Coupon("CODE", SHOP, P if number % 2 else Q, NOW))
        except CatalogError:
            return False
        return True

    with ThreadPoolExecutor(6) as rush:
        assert sum(rush.map(want, range(12))) == 1


def test_of_many_contracts_made_at_once_one_is_in_force_at_any_instant(house: SqlPartners) -> None:
    def make(number: int) -> None:
        agree(house, contract(f"c{number}", 1 + number % 3))

    with ThreadPoolExecutor(6) as rush:
        list(rush.map(make, range(12)))
    with house.reading() as connection:
        found = stored.contracts_of(connection, [P])[P]
    assert len(found) == 12
    for half in range(10):
        assert sum(one.in_force(NOW + half * DAY / 2) for one in found) == (half >= 2)


PLACES = (None, None), (AppId("app1"), None), (AppId("app1"), PlacementId("pl1"))
STEP = st.tuples(
    st.integers(0, 20), st.booleans(), st.integers(-20, 40), st.none() | st.integers(1, 60),
    st.sampled_from(PLACES), st.booleans(),
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(STEP, min_size=2, max_size=8))
def test_whatever_is_accepted_the_contract_of_any_past_instant_stays(
    steps: list[tuple[int, bool, int, int | None, tuple[AppId | None, PlacementId | None], bool]],
) -> None:
    with TemporaryDirectory() as folder:
        engine = connect_url(f"sqlite:///{Path(folder) / 'catalog.sqlite'}")
        migrations.upgrade(engine)
        catalog = marketplace(apps=(app(partner_id=P),), placements=(placement(),))
        SqlCatalog(engine).replace(catalog, NOW)
        house = SqlPartners(engine, "CNY", ZONE)
        with house.changing(NOW) as changes:
            changes.apply(Partner(P, "P"))
        now = NOW
        for number, step in enumerate(steps):
            now += timedelta(hours=step[0])
            before = past(house, now)
            try:
                take(house, f"c{number}", step, now)
            except CatalogError:
                assert past(house, now) == before
            after = past(house, now)
            assert all(was in (None, new) for was, new in zip(before, after, strict=True))
        engine.dispose()


def take(
    house: SqlPartners,
    name: str,
    step: tuple[int, bool, int, int | None, tuple[AppId | None, PlacementId | None], bool],
    now: datetime,
) -> None:
    """Ends the newest contract, closes the month before, or agrees on another."""
    _, ends, hours, lasts, (app_id, placement_id), extends = step
    moment = now + timedelta(hours=hours)
    with house.changing(now) as changes:
        there = stored.contracts_of(changes.connection, [P])[P]
        if ends and there:
            changes.end_contract(there[-1], moment)
            return
        last = there[-1] if extends and there else None
        name = last.contract_id if last else name
        version = len(versions_of(changes.connection, ContractId(name))) if last else 0
        changes.agree(
            Contract(
                ContractId(name), version + 1, P, moment, Terms(hold_days=hours % 30),
                moment + timedelta(hours=lasts) if lasts else None,
                last.app_id if last else app_id, last.placement_id if last else placement_id,
            )
        )  # fmt: skip


def past(house: SqlPartners, now: datetime) -> list[tuple[str, int, Terms] | None]:
    """What was in force before now, for sales and in the slot, with its terms."""
    with house.reading() as connection:
        found = stored.contracts_of(connection, [P])[P]
    slot = AppId("app1"), PlacementId("pl1")
    moments = [now - timedelta(hours=hours, microseconds=1) for hours in range(0, 120, 3)]
    answers = [contract_for_sales(found, moment) for moment in moments]
    answers += [contract_for_ads(found, *slot, moment) for moment in moments]
    return [one and (one.contract_id, one.version, one.terms) for one in answers]
