"""Short links in SQL: made once, never changed, on SQLite and PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from adserver.stores import database, partners, products
from adserver.stores.database import connect_url
from adserver.stores.links import (
    LinkRefusedError,
    find_links,
    links_of,
    make_link,
    revisions,
)
from affiliate import link as rules
from affiliate.link import Link
from affiliate.merchandise import Product
from affiliate.partner import Rate, Standing
from models.domain.ids import LinkCode, MerchantId, PartnerId, Sku
from tests.adserver.stores.sql_databases import database_url
from tests.affiliates import BLOG, LONG_AGO, MERCHANT, PARTNER, PRODUCTS, SHOP, fill, wanted

__all__ = ["database_url"]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect_url(database_url)
    fill(made)
    yield made
    made.dispose()


def make(engine: Engine, link: Link) -> Link:
    with database.writing(engine) as connection:
        return make_link(connection, link, LONG_AGO)


def test_a_link_is_found_by_its_code_with_all_that_it_says(engine: Engine) -> None:
    subs = ("one", "", "", "", "五")
    made = make(engine, wanted("A-1", name="banner", subs=subs, rate=Rate(flat_minor=500)))
    plain = rules.plain_code(made.target)
    with database.reading(engine) as connection:
        found = links_of(connection, [made.code, plain, LinkCode("unknown1")])
        assert find_links(connection) == [made]
        assert find_links(connection, PartnerId("p_new")) == []
        assert find_links(connection, BLOG, SHOP) == [made]
        assert find_links(connection, merchant_id=MerchantId("m_other")) == []
    assert found == {made.code: made}
    assert made == replace(
        wanted("A-1", name="banner", subs=subs, rate=Rate(flat_minor=500)), code=made.code
    )


def test_the_same_words_make_the_same_link_and_other_words_another(engine: Engine) -> None:
    made = make(engine, wanted("A-1"))
    assert make(engine, wanted("A-1")) == made
    others = [
        wanted(), wanted("A-1", name="x"), wanted("A-1", url="https://shop.example/a"),
    ]  # fmt: skip
    codes = {make(engine, one).code for one in others}
    assert len(codes | {made.code}) == 4


def test_a_link_never_changes(engine: Engine) -> None:
    made = make(engine, wanted(rate=Rate(ppm=120_000)))
    for other in (wanted(), wanted(rate=Rate(ppm=1)), wanted(subs=("a", "", "", "", ""))):
        with pytest.raises(LinkRefusedError, match="never changes"):
            make(engine, other)
    with database.reading(engine) as connection:
        assert links_of(connection, [made.code]) == {made.code: made}


def test_where_two_links_meet_in_one_code_the_later_one_is_longer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = rules.short_code

    def colliding(*words: object) -> LinkCode:
        length = words[3]
        assert isinstance(length, int)
        code = honest(*words)  # type: ignore[arg-type]
        return LinkCode("A" * length) if length < 9 else code

    monkeypatch.setattr(rules, "short_code", colliding)
    codes = [make(engine, wanted(name=name)).code for name in ("a", "b", "c", "b")]
    assert codes[:2] == ["A" * 7, "A" * 8]
    assert len(codes[2]) == 9
    assert codes[3] == codes[1]


def test_several_processes_that_make_one_link_make_one(engine: Engine) -> None:
    with ThreadPoolExecutor(4) as makers:
        made = set(makers.map(lambda _: make(engine, wanted("A-1")).code, range(8)))
    assert len(made) == 1


def elsewhere(**changes: str) -> Link:
    """A link of another partner, or to another merchant."""
    return replace(wanted(), target=replace(wanted().target, **changes))


@pytest.mark.parametrize(
    ("link", "words"),
    [(elsewhere(partner_id="p_x"), "no partner"), (elsewhere(partner_id="p_new"), "applied"),
     (elsewhere(merchant_id="m_x"), "no merchant"),
     (wanted("B-9"), "no product B-9"),
     (wanted(url="https://evil.example/"), "merchant's host shop.example"),
     (wanted(url="https://shop.example@evil.example/"), "not an http"),
     (wanted(url="javascript:alert(1)"), "not an http")],
)  # fmt: skip
def test_a_link_that_would_lead_nowhere_or_elsewhere_is_refused(
    engine: Engine, link: Link, words: str
) -> None:
    with pytest.raises(LinkRefusedError, match=words):
        make(engine, link)


def test_a_merchant_out_of_use_has_no_new_links(engine: Engine) -> None:
    with database.writing(engine) as connection:
        partners.put_merchant(connection, replace(MERCHANT, active=False), LONG_AGO)
    with pytest.raises(LinkRefusedError, match="archived"):
        make(engine, wanted())


def test_the_database_counts_every_change_that_workers_must_hear_of(engine: Engine) -> None:
    def counted() -> dict[str, int]:
        with database.reading(engine) as connection:
            return revisions(connection)

    seen = counted()
    make(engine, wanted())
    assert counted() == seen | {"links": seen["links"] + 1}
    make(engine, wanted())
    seen = counted()
    with database.writing(engine) as connection:
        changed = replace(PARTNER, standing=Standing.SUSPENDED)
        partners.put_partner(connection, changed, LONG_AGO)
    assert counted()["partners"] > seen["partners"]
    with database.writing(engine) as connection:
        partners.put_merchant(connection, replace(MERCHANT, active=False), LONG_AGO)
    assert counted()["merchants"] > seen["merchants"]
    moved = replace(PRODUCTS[0], url="https://shop.example/new")
    with database.writing(engine) as connection:
        products.upsert(connection, [moved, Product(SHOP, Sku("n"), "", "", 1)], LONG_AGO)
    assert counted()["products"] > seen["products"]


def test_a_change_that_was_rolled_back_is_not_counted(engine: Engine) -> None:
    with database.reading(engine) as connection:
        seen = revisions(connection)
    with suppress(ZeroDivisionError), database.writing(engine) as connection:
        make_link(connection, wanted(), LONG_AGO)
        raise ZeroDivisionError
    with database.reading(engine) as connection:
        assert revisions(connection) == seen
        assert find_links(connection) == []
