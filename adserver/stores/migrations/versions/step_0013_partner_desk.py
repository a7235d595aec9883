"""Words by which products are found, and apps' own ads.

Spelled out here and not taken from the tables: a step stays what it was when released. Only what a
word is comes from `product_words`, because searches ask for the words of today.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from adserver.stores.product_words import words_of

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000
_ADD_SQLITE = (
    "INSERT INTO product_documents (merchant_id, sku, words) VALUES (:merchant_id, :sku, :words)"
)
_ADD_POSTGRESQL = _ADD_SQLITE.replace(":words", "CAST(:words AS tsvector)")
_CHANGED = (
    "INSERT INTO product_search(product_search, rowid, words) "
    "VALUES ('delete', old.document_id, old.words)"
)
_ADDED = "INSERT INTO product_search(rowid, words) VALUES (new.document_id, new.words)"


def upgrade() -> None:
    """Makes the tables and what searches them, and takes in the products that are there."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "product_documents",
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer, "sqlite")),
        _text("merchant_id", 64),
        _text("sku", 128),
        sa.Column("words", TSVECTOR() if is_postgresql else sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_product_documents"),
    )
    op.create_index(
        "uq_product_documents_sku", "product_documents", ["merchant_id", "sku"], unique=True
    )
    if is_postgresql:
        op.execute("CREATE INDEX ix_product_documents_words ON product_documents USING gin (words)")
    else:
        _make_sqlite_search()
    _take_in()
    _make_house_ads()


def _make_sqlite_search() -> None:
    op.execute(
        "CREATE VIRTUAL TABLE product_search USING fts5(words, content='product_documents', "
        "content_rowid='document_id', prefix='2', tokenize='unicode61')"
    )
    op.execute(
        "CREATE TRIGGER product_documents_are_found AFTER INSERT ON product_documents "
        f"BEGIN {_ADDED}; END"
    )
    op.execute(
        "CREATE TRIGGER product_documents_change AFTER UPDATE OF words ON product_documents "
        f"BEGIN {_CHANGED}; {_ADDED}; END"
    )


def _take_in() -> None:
    connection = op.get_bind()
    rows = iter(
        connection.execute(
            sa.text("SELECT merchant_id, sku, title, category FROM products")
        ).fetchall()
    )
    add = _ADD_POSTGRESQL if connection.dialect.name == "postgresql" else _ADD_SQLITE
    while batch := list(_documents(islice(rows, _AT_ONCE))):
        connection.execute(sa.text(add), batch)


def _documents(rows: Any) -> Iterator[dict[str, str]]:
    for merchant_id, sku, title, category in rows:
        words = words_of(merchant_id, title, category, sku)
        yield {"merchant_id": merchant_id, "sku": sku, "words": words}


def _make_house_ads() -> None:
    op.create_table(
        "house_ads",
        _text("house_ad_id", 64),
        _text("app_id", 64),
        _text("format", 16),
        sa.Column("w", sa.Integer, nullable=False),
        sa.Column("h", sa.Integer, nullable=False),
        _text("title", 200),
        _text("description", 1000),
        _text("cta", 50),
        _text("landing_url", 2048),
        _text("asset_url", 2048),
        _text("asset_mime", 64),
        sa.Column("asset_bytes", sa.BigInteger, nullable=False),
        _text("asset_sha256", 64),
        _text("review", 16),
        _text("review_reason", 500),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("house_ad_id", name="pk_house_ads"),
    )
    op.create_index("ix_house_ads_app_id", "house_ads", ["app_id"])


def _text(name: str, most: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(most), nullable=False)
