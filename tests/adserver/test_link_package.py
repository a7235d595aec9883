"""What workers follow links by: published by the console, found in microseconds, refused whole."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adserver import link_package, publication
from adserver.link_package import FILE, Pages
from adserver.publication import PublicationError
from adserver.stores import database, partners
from adserver.stores.database import connect_url
from adserver.stores.link_publisher import LinkPublisher
from adserver.stores.links import make_link
from affiliate.partner import Partner, Standing
from models.domain.ids import MerchantId, PartnerId, Sku
from tests.adserver.stores.sql_databases import database_url
from tests.affiliates import BLOG, HOME, LONG_AGO, PARTNER, SHOP, fill, wanted

__all__ = ["database_url"]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect_url(database_url)
    fill(made)
    yield made
    made.dispose()


def opened(data_dir: Path, kind: Path) -> Pages:
    version = publication.current(data_dir / kind)
    assert version is not None
    return Pages(data_dir / kind, version)


def test_what_is_published_is_found_again(engine: Engine, tmp_path: Path) -> None:
    with database.writing(engine) as connection:
        made = make_link(connection, wanted("A-1", subs=("1", "", "", "", "五")), LONG_AGO)
    assert len(LinkPublisher(engine, tmp_path).look()) == 2
    with closing(opened(tmp_path, link_package.LINKS)) as links:
        assert links.is_approved(BLOG)
        assert not links.is_approved(PartnerId("p_new"))
        assert not links.is_approved(PartnerId("' OR 1=1 --"))
        assert links.home_of(SHOP) == HOME
        assert links.home_of(MerchantId("m_other")) is None
        assert links.link(made.code) == (made.target, "", made.subs)
        assert links.link("unknown1") is None
    with closing(opened(tmp_path, link_package.PRODUCTS)) as products:
        assert products.page_of(SHOP, Sku("A-1")) == "https://www.shop.example/p/1?v=2"
        assert products.page_of(SHOP, Sku("a-1")) is None


def test_nothing_is_published_while_nothing_changes(engine: Engine, tmp_path: Path) -> None:
    publisher = LinkPublisher(engine, tmp_path)
    publisher.look()
    assert publisher.look() == []
    with database.writing(engine) as connection:
        suspended = Partner(BLOG, "Blog", standing=Standing.SUSPENDED)
        partners.put_partner(connection, suspended, LONG_AGO)
    products = publication.current(tmp_path / link_package.PRODUCTS)
    assert len(publisher.look()) == 1
    assert publication.current(tmp_path / link_package.PRODUCTS) == products
    with closing(opened(tmp_path, link_package.LINKS)) as links:
        assert not links.is_approved(BLOG)


def test_a_console_that_starts_again_writes_nothing_twice(engine: Engine, tmp_path: Path) -> None:
    first = LinkPublisher(engine, tmp_path).look()
    assert LinkPublisher(engine, tmp_path).look() == first
    assert publication.versions(tmp_path / link_package.LINKS) == [first[0]]
    with database.writing(engine) as connection:
        partners.put_partner(connection, PARTNER, LONG_AGO)
    assert LinkPublisher(engine, tmp_path).look() == first


def test_a_version_that_was_swept_is_still_read_by_who_has_it_open(tmp_path: Path) -> None:
    root = tmp_path / "products"
    first = link_package.publish_products(root, [("m", "0", "u0")])
    with closing(Pages(root, first)) as pages:
        for number in range(1, 6):
            link_package.publish_products(root, [("m", str(number), "u")])
        assert first not in publication.versions(root)
        assert pages.page_of(MerchantId("m"), Sku("0")) == "u0"


@pytest.mark.parametrize(
    "damage", [b"", b"no database" * 500, b"SQLite format 3\x00" + b"\xff" * 9_000]
)
def test_a_damaged_publication_is_refused_by_name(tmp_path: Path, damage: bytes) -> None:
    publication.publish(tmp_path, "v1", {FILE: damage})
    with pytest.raises(PublicationError, match="version v1 cannot be read"):
        Pages(tmp_path, "v1")


def test_a_version_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match="no version v2"):
        Pages(tmp_path, "v2")
