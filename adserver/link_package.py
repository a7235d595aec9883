"""What workers must know to follow a link, as it travels from the console: two SQLite files.

`links` holds approved partners, active merchants and short links; `products` the pages of all
products. Never here: when something is published (`stores.link_publisher`) or what a code means
(`affiliate.link`). The one surprising fact: workers look things up in the files where they lie. A
hundred thousand products cost a worker no memory and no time to load, and all workers share the
pages that the kernel keeps of them.
"""

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from adserver import publication
from adserver.publication import PublicationError
from affiliate.link import Subs, Target
from models.domain.ids import MerchantId, PartnerId, Sku

LINKS = Path("published", "links")
PRODUCTS = Path("published", "products")
FILE = "pages.sqlite"
VERSIONS_KEPT = 3
LAYOUT = 1
_LINK_TABLES = (
    "CREATE TABLE partner (partner_id TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE merchant (merchant_id TEXT PRIMARY KEY, home_url TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE link (code TEXT PRIMARY KEY, partner_id TEXT, merchant_id TEXT, sku TEXT, "
    "url TEXT, sub1 TEXT, sub2 TEXT, sub3 TEXT, sub4 TEXT, sub5 TEXT) WITHOUT ROWID",
)
_PRODUCT_TABLES = (
    "CREATE TABLE product (merchant_id TEXT, sku TEXT, url TEXT NOT NULL, "
    "PRIMARY KEY (merchant_id, sku)) WITHOUT ROWID",
)

Rows = Iterable[tuple[str, ...]]


def publish_links(root: Path, partners: Rows, merchants: Rows, links: Rows) -> str:
    """Publishes approved partners, active merchants and short links; answers the version.

    Rows are (partner), (merchant, home) and (code, partner, merchant, SKU, page, five sub-ids).
    """
    with closing(_blank(_LINK_TABLES)) as file:
        file.executemany("INSERT INTO partner VALUES (?)", partners)
        file.executemany("INSERT INTO merchant VALUES (?, ?)", merchants)
        file.executemany("INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", links)
        return _publish(root, file)


def publish_products(root: Path, products: Rows) -> str:
    """Publishes (merchant, SKU, page) of products; answers the version."""
    with closing(_blank(_PRODUCT_TABLES)) as file:
        file.executemany("INSERT INTO product VALUES (?, ?, ?)", products)
        return _publish(root, file)


class Pages:
    """One published file, open. Look-ups take microseconds and never wait for a writer."""

    def __init__(self, root: Path, version: str) -> None:
        """Opens the file after reading it whole.

        Raises:
            PublicationError: no such version, or a file that is damaged or of another release.
        """
        path = (root / version / FILE).resolve()
        try:
            self._db = sqlite3.connect(
                f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise PublicationError(f"{root} has no version {version}: {error}") from error
        try:
            self._check()
        except sqlite3.Error as error:
            self._db.close()
            raise PublicationError(f"version {version} cannot be read: {error}") from error

    def close(self) -> None:
        """Lets go of the file, which may be gone already."""
        self._db.close()

    def is_approved(self, partner_id: PartnerId) -> bool:
        """Whether the partner may earn."""
        return self._one("SELECT 1 FROM partner WHERE partner_id = ?", partner_id) is not None

    def home_of(self, merchant_id: MerchantId) -> str | None:
        """The shop of an active merchant."""
        row = self._one("SELECT home_url FROM merchant WHERE merchant_id = ?", merchant_id)
        return None if row is None else str(row[0])

    def link(self, code: str) -> tuple[Target, str, Subs] | None:
        """What a short code leads to: its target, its page ("" for the target's) and sub-ids."""
        row = self._one("SELECT * FROM link WHERE code = ?", code)
        if row is None:
            return None
        _, partner, merchant, sku, url, *subs = row
        sub1, sub2, sub3, sub4, sub5 = subs
        target = Target(PartnerId(partner), MerchantId(merchant), Sku(sku))
        return target, url, (sub1, sub2, sub3, sub4, sub5)

    def page_of(self, merchant_id: MerchantId, sku: Sku) -> str | None:
        """The page of a product."""
        row = self._one(
            "SELECT url FROM product WHERE merchant_id = ? AND sku = ?", merchant_id, sku
        )
        return None if row is None else str(row[0])

    def _one(self, statement: str, *values: str) -> tuple[str, ...] | None:
        found: tuple[str, ...] | None = self._db.execute(statement, values).fetchone()
        return found

    def _check(self) -> None:
        verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        layout = self._db.execute("PRAGMA user_version").fetchone()[0]
        if verdict != "ok" or layout != LAYOUT:
            raise sqlite3.DatabaseError(f"layout {layout}, {verdict}")


def _blank(tables: Iterable[str]) -> sqlite3.Connection:
    file = sqlite3.connect(":memory:")
    file.execute(f"PRAGMA user_version = {LAYOUT}")
    for statement in tables:
        file.execute(statement)
    return file


def _publish(root: Path, file: sqlite3.Connection) -> str:
    """Named by its bytes: what has not changed is not written again."""
    file.commit()
    content = file.serialize()
    version = f"p{hashlib.blake2b(content, digest_size=12).hexdigest()}"
    if publication.current(root) != version:
        publication.publish(root, version, {FILE: content})
        publication.keep_last(root, VERSIONS_KEPT)
    return version
