"""What a product is expected to earn: by one sale, by a click on it, by a thousand showings of it.

Never here: where clicks and orders are counted (`adserver.stores.hot_products`). The one surprising
fact: little data is no news. A product's own rates are drawn towards its merchant's, and those
towards the house's, as if each had been seen that often before; so one lucky order makes no hot
product, and a product that nobody has seen yet is worth what its merchant's products are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from affiliate.merchandise import HotRate, Merchant, Product
from affiliate.partner import NOTHING, Rate
from models.domain.ids import MerchantId, Sku
from models.domain.money import Micros, half_away_from_zero, micros_of, portion

HOUSE_CTR = Fraction(1, 100)
HOUSE_CONVERSION = Fraction(2, 100)
"""What a house that knows nothing yet expects."""
CTR_STRENGTH = 1_000
CONVERSION_STRENGTH = 100
"""How many impressions, or clicks, the rates above a product are worth."""

Key = tuple[MerchantId, Sku]


@dataclass(frozen=True, slots=True)
class Signals:
    """What was seen of a product: its ads, all clicks that led to it, and the orders they brought.

    `ad_clicks` are those of `clicks` that were on its ads.
    """

    impressions: int = 0
    ad_clicks: int = 0
    clicks: int = 0
    orders: int = 0

    def __add__(self, other: "Signals") -> "Signals":
        return Signals(
            self.impressions + other.impressions,
            self.ad_clicks + other.ad_clicks,
            self.clicks + other.clicks,
            self.orders + other.orders,
        )


NO_SIGNALS = Signals()


@dataclass(frozen=True, slots=True)
class Expected:
    """Clicks of an impression, orders of a click."""

    ctr: Fraction = HOUSE_CTR
    conversion: Fraction = HOUSE_CONVERSION


@dataclass(frozen=True, slots=True)
class Priced:
    """A product with the rate in force for it and the commission of one sale, in minor units."""

    product: Product
    rate: Rate
    commission_minor: int


@dataclass(frozen=True, slots=True)
class HotProduct:
    """A product in the ranking. `per_click` and `per_thousand` (impressions) are in micros."""

    priced: Priced
    signals: Signals
    expected: Expected
    per_click: Micros
    per_thousand: Micros


def rate_in_force(
    merchant: Merchant, product: Product, hot: Iterable[HotRate], now: datetime
) -> Rate:
    """The rate of a sale now, before anything a link or contract may say.

    Hot product, product, category, merchant; nothing for a category of gifts.
    """
    if product.category in merchant.gift_categories:
        return NOTHING
    for one in hot:
        if one.starts_at <= now < one.ends_at:
            return one.rate
    if product.rate:
        return product.rate
    return dict(merchant.category_rates).get(product.category, merchant.default_rate)


def priced(merchant: Merchant, product: Product, hot: Iterable[HotRate], now: datetime) -> Priced:
    """The product with its rate and the commission of one sale of one piece."""
    rate = rate_in_force(merchant, product, hot, now)
    if rate.flat_minor is not None:
        return Priced(product, rate, rate.flat_minor)
    return Priced(product, rate, portion(product.price_minor, rate.ppm or 0))


def shrunk(signals: Signals, prior: Expected) -> Expected:
    """The rates that the signals show, drawn towards the prior."""
    return Expected(
        ctr=_shrunk(signals.ad_clicks, signals.impressions, prior.ctr, CTR_STRENGTH),
        conversion=_shrunk(signals.orders, signals.clicks, prior.conversion, CONVERSION_STRENGTH),
    )


def rank(
    products: Iterable[Priced], seen: Mapping[Key, Signals], currency: str
) -> list[HotProduct]:
    """Products by CTR x conversion x commission, the best first; equals by merchant and SKU.

    All products are priced in one currency. `seen` may know more products than are ranked.
    """
    priors = _priors(seen)
    house = priors[None]
    ranked = [
        _ranked(one, seen, priors.get(one.product.merchant_id, house), currency) for one in products
    ]
    return sorted(
        ranked,
        key=lambda hot: (
            -hot.per_thousand,
            -hot.per_click,
            hot.priced.product.merchant_id,
            hot.priced.product.sku,
        ),
    )


def _priors(seen: Mapping[Key, Signals]) -> dict[MerchantId | None, Expected]:
    """What is expected of each merchant's products, and, under None, of the house's."""
    by_merchant: dict[MerchantId, Signals] = {}
    for (merchant_id, _), signals in seen.items():
        by_merchant[merchant_id] = by_merchant.get(merchant_id, NO_SIGNALS) + signals
    house = shrunk(sum(by_merchant.values(), NO_SIGNALS), Expected())
    return {None: house, **{own: shrunk(by_merchant[own], house) for own in by_merchant}}


def _ranked(one: Priced, seen: Mapping[Key, Signals], prior: Expected, currency: str) -> HotProduct:
    signals = seen.get((one.product.merchant_id, one.product.sku), NO_SIGNALS)
    expected = prior if signals == NO_SIGNALS else shrunk(signals, prior)
    per_click = expected.conversion * micros_of(one.commission_minor, currency)
    per_thousand = per_click * expected.ctr * 1_000
    return HotProduct(one, signals, expected, _whole(per_click), _whole(per_thousand))


def _shrunk(happened: int, of: int, prior: Fraction, strength: int) -> Fraction:
    """Several orders may come of one click: no more than all clicks count."""
    return Fraction(min(happened, of) + strength * prior) / (of + strength)


def _whole(micros: Fraction) -> Micros:
    return Micros(half_away_from_zero(micros.numerator, micros.denominator))
