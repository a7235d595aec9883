"""Products by their words: kept in step with products, searched on both databases.

Never here: what a word is (`product_words`). The one surprising fact: an answer is the first few
hundred matches that the index meets and not the best of all; ordering a million by merit would cost
seconds, and somebody who types one more letter is helped faster.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects import postgresql, sqlite

from adserver.stores.partner_desk_tables import PRODUCT_DOCUMENTS
from adserver.stores.product_tables import PRODUCTS
from adserver.stores.product_words import asked_words, merchant_mark, words_of
from affiliate.merchandise import Product

MOST_FOUND = 200
_D = PRODUCT_DOCUMENTS.c
_SQLITE = text(
    "SELECT rowid AS document_id FROM product_search WHERE product_search MATCH :asked LIMIT :most"
)
_POSTGRESQL = text(
    "SELECT document_id FROM product_documents WHERE words @@ CAST(:asked AS tsquery) LIMIT :most"
)


def keep_words(connection: Connection, products: Sequence[Product]) -> None:
    """Notes the words of products that are new or changed; the same words again change nothing."""
    if not products:
        return
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(PRODUCT_DOCUMENTS)
    statement = statement.on_conflict_do_update(
        index_elements=["merchant_id", "sku"],
        set_={"words": statement.excluded.words},
        where=_D.words != statement.excluded.words,
    )
    rows = [
        {
            "merchant_id": one.merchant_id,
            "sku": one.sku,
            "words": words_of(one.merchant_id, one.title, one.category, one.sku),
        }
        for one in products
    ]
    connection.execute(statement, rows)


def search(
    connection: Connection, asked: str, merchant_id: str = "", limit: int = MOST_FOUND
) -> list[tuple[str, str]]:
    """(merchant, SKU) of products that have all the words; the last word may be a beginning.

    Nothing when no word is asked for.
    """
    words = asked_words(asked)
    if not words:
        return []
    marks = [(merchant_mark(merchant_id), False)] if merchant_id else []
    is_postgresql = connection.dialect.name == "postgresql"
    query, written = (_POSTGRESQL, _as_tsquery) if is_postgresql else (_SQLITE, _as_match)
    given = {"asked": written([*marks, *words]), "most": limit}
    ids = list(connection.execute(query, given).scalars())
    found = select(_D.merchant_id, _D.sku).where(_D.document_id.in_(ids))
    return [(merchant, sku) for merchant, sku in connection.execute(found)]


def first_in_stock(connection: Connection, merchant_id: str, limit: int) -> list[str]:
    """SKUs of a merchant's products in stock, by SKU: what to show while nobody asks."""
    table = PRODUCTS.c
    query = (
        select(table.sku)
        .where(table.merchant_id == merchant_id, table.in_stock)
        .order_by(table.sku)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def _as_match(words: Sequence[tuple[str, bool]]) -> str:
    return " AND ".join(f'"{word}"{"*" if begins else ""}' for word, begins in words)


def _as_tsquery(words: Sequence[tuple[str, bool]]) -> str:
    return " & ".join(f"'{word}'{':*' if begins else ''}" for word, begins in words)
