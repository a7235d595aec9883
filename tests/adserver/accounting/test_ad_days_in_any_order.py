"""Days of ad revenue end the same however often and in whatever order they were accrued."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from adserver.accounting.ad_reconciliation import reconcile
from adserver.stores import database, migrations
from adserver.stores.database import connect_url
from affiliate.ad_revenue import Cell
from affiliate.partner import Subsidy, Terms, Tier, TierKind
from models.domain.ids import AppId, PartnerId, PlacementId
from models.domain.money import Micros
from tests.adserver.accounting.ad_house import CNY, D1, POOL, SHANGHAI, YUAN, Ads, at, cell, day_of

DAYS = [D1 + timedelta(days=number) for number in range(3)]
ACCOUNTS = (
    "advertiser_prepaid:adv1",
    "platform_revenue",
    "partner_pending:p1",
    "partner_pending:p2",
    f"subsidy_pool:{POOL}",
)
TERMS = {
    "p1": Terms(
        ad_share_ppm=400_000,
        ad_tiers=(Tier(10_000, 600_000), Tier(30_000, 900_000)),
        ad_tier_kind=TierKind.MARGINAL,
        guaranteed_ecpm_micros=Micros(9 * YUAN),
    ),
    "p2": Terms(
        ad_share_ppm=500_000, ad_tiers=(Tier(15_000, 700_000),), subsidy=Subsidy(POOL, 333_333)
    ),
}

Seen = tuple[date, tuple[Cell, ...]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with both partners, to be copied."""
    path = tmp_path_factory.mktemp("books") / "catalog.sqlite"
    engine = connect_url(f"sqlite:///{path}")
    migrations.upgrade(engine)
    ads = Ads(engine)
    for partner, terms in TERMS.items():
        ads.partner(partner, terms)
    ads.fund(1_000_000)
    engine.dispose()
    return path


@contextmanager
def house(template: Path) -> Iterator[Ads]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "catalog.sqlite"
        shutil.copy(template, path)
        engine = connect_url(f"sqlite:///{path}")
        try:
            yield Ads(engine)
        finally:
            engine.dispose()


def _cell(partner: str, placement: str, numbers: tuple[int, int, int]) -> Cell:
    revenue, impressions, invalid = numbers
    return cell(
        revenue,
        impressions=impressions,
        invalid=min(revenue, invalid),
        partner_id=PartnerId(partner),
        app_id=AppId(f"app-{partner}"),
        placement_id=PlacementId(placement),
    )


numbers = st.tuples(st.integers(0, 200), st.integers(0, 20_000), st.integers(0, 100))
cells = st.builds(
    lambda found: tuple(_cell(*place, told) for place, told in sorted(found.items())),
    st.dictionaries(
        st.tuples(st.sampled_from(sorted(TERMS)), st.sampled_from(("pl1", "pl2"))), numbers
    ),
)
looks = st.lists(st.tuples(st.sampled_from(DAYS), cells), min_size=1, max_size=8)


def last_of_each(seen: Sequence[Seen]) -> dict[date, tuple[Cell, ...]]:
    return dict(seen)


@settings(max_examples=25)
@given(seen=looks)
def test_only_the_last_count_of_each_day_matters(template: Path, seen: list[Seen]) -> None:
    final = last_of_each(seen)
    with house(template) as ads:
        for day, found in seen:
            ads.accrue(day, *found, now=at(DAYS[-1]), even_if_less=True)
            assert ads.accrue(day, *found, even_if_less=True).transactions == 0
        ads.require_sound()
        ends = ads.balances(*ACCOUNTS)
        for day, found in final.items():
            with database.reading(ads.engine) as connection:
                compared = reconcile(connection, day_of(day, *found), SHANGHAI, CNY)
            assert compared.differences == ()
    with house(template) as once:
        for day, found in sorted(final.items(), reverse=True):
            once.accrue(day, *found, now=at(DAYS[-1]))
        assert once.balances(*ACCOUNTS) == ends


@settings(max_examples=15)
@given(seen=looks, pool=st.integers(0, 60))
def test_no_fund_is_overdrawn_and_every_bridge_is_exact(
    template: Path, seen: list[Seen], pool: int
) -> None:
    with house(template) as ads:
        drained = 1_000_000 - pool
        ads.pay_out_of_fund(drained)
        for day, found in seen:
            ads.accrue(day, *found, now=at(DAYS[-1]), even_if_less=True)
            assert ads.balance(f"subsidy_pool:{POOL}") >= 0
        for day, found in last_of_each(seen).items():
            for row in ads.rows(day):
                assert row.earned == (
                    row.estimated_micros + row.restated_micros - row.invalid_micros
                )
            with database.reading(ads.engine) as connection:
                compared = reconcile(connection, day_of(day, *found), SHANGHAI, CNY)
            assert compared.differences == ()
        ads.require_sound()
