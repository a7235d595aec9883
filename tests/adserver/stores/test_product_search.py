"""Products by their words, Chinese ones too: the same answers on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st
from sqlalchemy import Engine

from adserver.stores import migrations, product_search, products
from adserver.stores.database import connect_url, reading, writing
from adserver.stores.product_words import asked_words, words_of
from affiliate.merchandise import Product
from models.domain.ids import MerchantId, Sku
from tests.adserver.stores.sql_databases import database_url
from tests.builders import NOW

__all__ = ["database_url"]

SHOP, OTHER = MerchantId("m_shop-1"), MerchantId("m_shop")
KETTLE = Product(SHOP, Sku("KT-77"), "Steel kettle 1.7l", "https://s.example/k", 1_000, "kitchen")
CASE = Product(SHOP, Sku("c1"), "华为手机保护壳 Pro", "https://s.example/c", 500)
LAMP = Product(OTHER, Sku("l'1\\"), "Étagère lamp (STEEL)", "https://o.example/l", 900)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = connect_url(database_url)
    migrations.upgrade(opened)
    with writing(opened) as connection:
        products.upsert(connection, [KETTLE, CASE, LAMP], NOW)
    yield opened
    opened.dispose()


def found(engine: Engine, words: str, merchant: str = "") -> set[str]:
    with reading(engine) as connection:
        return {sku for _, sku in product_search.search(connection, words, merchant)}


def test_words_are_found_whatever_their_case_and_the_last_may_be_a_beginning(
    engine: Engine,
) -> None:
    assert found(engine, "steel") == {"KT-77", "l'1\\"}
    assert found(engine, "KETTLE ste") == {"KT-77"}
    assert found(engine, "kitch") == {"KT-77"}
    assert found(engine, "ste kettle") == set()
    assert found(engine, "étag") == {"l'1\\"}


def test_a_sku_is_found_by_its_parts(engine: Engine) -> None:
    assert found(engine, "KT-77") == {"KT-77"}
    assert found(engine, "77") == {"KT-77"}


def test_letters_of_a_script_without_blanks_are_found_side_by_side(engine: Engine) -> None:
    for asked in ("手机", "手机保护", "壳", "华", "护壳 pro", "手机 保护壳"):
        assert found(engine, asked) == {"c1"}, asked
    assert found(engine, "机手") == set()


def test_only_the_merchant_that_is_asked_for(engine: Engine) -> None:
    assert found(engine, "steel", SHOP) == {"KT-77"}
    assert found(engine, "steel", OTHER) == {"l'1\\"}
    assert found(engine, "steel", "m") == set()


def test_a_title_that_changed_is_found_by_its_new_words_only(engine: Engine) -> None:
    with writing(engine) as connection:
        products.upsert(connection, [replace(KETTLE, title="Copper pot")], NOW)
    assert found(engine, "copper") == {"KT-77"}
    assert found(engine, "kettle") == set()


def test_nothing_asked_finds_nothing_and_signs_are_no_words(engine: Engine) -> None:
    for asked in ("", "  ", "'", '"', "*", "& | !", ":*", "-", "()", "\\"):
        assert found(engine, asked) == set()


def test_signs_of_the_query_languages_do_not_break_a_search(engine: Engine) -> None:
    for asked in ("steel' OR 1=1", 'steel" OR "x', "NEAR(steel kettle)", "steel:*", "a AND b"):
        found(engine, asked)
    assert found(engine, "'steel'") == {"KT-77", "l'1\\"}


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_whatever_a_title_holds_it_is_found_by_itself(title: str) -> None:
    words = set(words_of("m", title).split(" "))
    for word, begins in asked_words(title):
        assert word in words or (begins and any(one.startswith(word) for one in words))


def test_any_text_can_be_searched_for(engine: Engine) -> None:
    for number in range(0, 0x3000, 7):
        if not 0xD800 <= number <= 0xDFFF and number:
            found(engine, f"a{chr(number)}b")
