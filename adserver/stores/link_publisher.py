"""Puts what links lead to where workers find it, whenever one of its tables has changed.

Never here: the loop that asks (`adserver.console`) and the files' format (`adserver.link_package`).
The one surprising fact: products are published apart from all the rest, because a feed of a hundred
thousand takes a second to write and a suspended partner must not wait for it.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, Select, select

from adserver import link_package
from adserver.stores import database
from adserver.stores.link_tables import LINKS
from adserver.stores.links import revisions
from adserver.stores.partner_tables import MERCHANTS, PARTNERS
from adserver.stores.product_tables import PRODUCTS
from affiliate.partner import Standing

_ROWS_AT_ONCE = 2_000


class LinkPublisher:
    """Remembers what it last published; one per console."""

    def __init__(self, engine: Engine, data_dir: Path) -> None:
        self._engine = engine
        self._data_dir = data_dir
        self._links: tuple[int, ...] = ()
        self._products: tuple[int, ...] = ()

    def look(self) -> list[str]:
        """Publishes what has changed since the last look; answers the new versions."""
        with database.reading(self._engine) as connection:
            seen = revisions(connection)
            links = (seen["partners"], seen["merchants"], seen["links"])
            products = (seen["products"],)
            made = []
            if links != self._links:
                made.append(self._publish_links(connection))
                self._links = links
            if products != self._products:
                made.append(self._publish_products(connection))
                self._products = products
        return made

    def _publish_links(self, connection: Connection) -> str:
        partners = select(PARTNERS.c.partner_id).where(PARTNERS.c.standing == Standing.APPROVED)
        merchants = select(MERCHANTS.c.merchant_id, MERCHANTS.c.home_url).where(MERCHANTS.c.active)
        own = LINKS.c
        links = select(
            *(own.code, own.partner_id, own.merchant_id, own.sku, own.url),
            *(own.sub1, own.sub2, own.sub3, own.sub4, own.sub5),
        )
        return link_package.publish_links(
            self._data_dir / link_package.LINKS,
            _rows(connection, partners),
            _rows(connection, merchants),
            _rows(connection, links),
        )

    def _publish_products(self, connection: Connection) -> str:
        pages = select(PRODUCTS.c.merchant_id, PRODUCTS.c.sku, PRODUCTS.c.url)
        root = self._data_dir / link_package.PRODUCTS
        return link_package.publish_products(root, _rows(connection, pages))


def _rows(connection: Connection, query: Select[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """In order, so that the same rows make the same file."""
    steady = connection.execution_options(yield_per=_ROWS_AT_ONCE)
    key = [column for column in query.selected_columns if column.primary_key]
    with closing(steady.execute(query.order_by(*key))) as found:
        for rows in found.partitions():
            yield from map(tuple, rows)
