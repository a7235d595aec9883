"""The merchant whose feeds the tests read, and one of its products."""

from affiliate.merchandise import Merchant, Product
from affiliate.partner import Rate
from models.domain.ids import MerchantId, Sku
from tests.builders import NOW

__all__ = ["NOW"]

SHOP = Merchant(MerchantId("shop"), "Shop", "https://www.shop.example/")
KETTLE = Product(
    SHOP.merchant_id,
    Sku("K-1"),
    "A kettle, red",
    "https://shop.example/k?id=1",
    129_900,
    "pots",
    "https://cdn.example/k.png",
    in_stock=True,
    rate=Rate(ppm=80_000),
)
