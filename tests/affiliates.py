"""A partner, a shop and its products in a database, for whoever follows links.

Never here: contracts and orders. p_blog is approved; m_shop sells A-1, "红/2" and "old", whose page
lies on another host.
"""

from datetime import UTC, datetime

from sqlalchemy import Engine

from adserver.stores import database, migrations, partners, products
from affiliate.link import Link, Target
from affiliate.merchandise import Merchant, Product
from affiliate.partner import Partner, Standing
from models.domain.ids import LinkCode, MerchantId, PartnerId, Sku

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
BLOG, SHOP = PartnerId("p_blog"), MerchantId("m_shop")
HOME = "https://www.shop.example/"
PARTNER = Partner(BLOG, "Blog", standing=Standing.APPROVED)
MERCHANT = Merchant(SHOP, "Shop", HOME)
PRODUCTS = (
    Product(SHOP, Sku("A-1"), "Tea", "https://www.shop.example/p/1?v=2", 1_000),
    Product(SHOP, Sku("红/2"), "Red tea", "https://m.shop.example/红?id={click_id}", 2_000),
    Product(SHOP, Sku("old"), "Old tea", "https://evil.example/old", 3_000),
)


def fill(engine: Engine) -> None:
    """Brings the schema up to date and adds them all."""
    migrations.upgrade(engine)
    with database.writing(engine) as connection:
        partners.add_partner(connection, PARTNER, LONG_AGO)
        partners.add_partner(connection, Partner(PartnerId("p_new"), "New"), LONG_AGO)
        partners.add_merchant(connection, MERCHANT, LONG_AGO)
        products.upsert(connection, PRODUCTS, LONG_AGO)


def wanted(sku: str = "", **changes: object) -> Link:
    """A link of p_blog to m_shop that is still to be made."""
    return Link(LinkCode(""), Target(BLOG, SHOP, Sku(sku)), **changes)  # type: ignore[arg-type]
