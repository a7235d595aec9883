"""What is taken of a merchant and a product of whom nothing else was said."""

from affiliate.merchandise import Merchant, Product
from affiliate.partner import NOTHING
from models.domain.ids import MerchantId, Sku

SHOP = Merchant(MerchantId("m1"), "Shop", "https://shop.example/")
PHONE = Product(SHOP.merchant_id, Sku("s1"), "A phone", "https://shop.example/s1", 10_000)


def test_a_merchant_pays_first_and_pays_nothing_until_it_says_what() -> None:
    assert not SHOP.trusted
    assert SHOP.active
    assert SHOP.default_rate == NOTHING
    assert (SHOP.category_rates, SHOP.gift_categories) == ((), frozenset())
    assert (SHOP.currency, SHOP.key_generation) == ("CNY", 1)


def test_a_product_can_be_had_and_has_no_rate_of_its_own() -> None:
    assert PHONE.in_stock
    assert PHONE.rate is None
    assert (PHONE.category, PHONE.image_url) == ("", "")
