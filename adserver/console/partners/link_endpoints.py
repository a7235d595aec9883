"""Links and products over REST.

Never here: making or counting (`links`, `products`). The one surprising fact: making a link twice
answers the same link, with the same code.
"""

from typing import Annotated

from msgspec import Meta, Struct

from adserver.api.problems import UnprocessableError
from adserver.console.desk import Desk
from adserver.console.partners import links, products
from adserver.console.partners.lines import page_of
from adserver.console.partners.links import Used, Wanted
from adserver.console.partners.products import Offer
from adserver.console.partners.whose import partner_of
from adserver.console.web.exchange import Call, Listed
from adserver.console.web.routes import Endpoint
from adserver.stores.links import LinkRefusedError

_P = "/api/v1/partners/{partner_id}"
Text = Annotated[str, Meta(max_length=2_048)]


class LinkSales(Struct):
    """What a link's sales come to in one currency."""

    currency: str
    order_lines: int
    earned_micros: int


class LinkOut(Struct):
    """A link with what it brought in the last 90 days. `plain` ones nobody had to make."""

    code: str
    address: str
    merchant_id: str
    sku: str
    url: str
    name: str
    subs: list[str]
    plain: bool
    clicks: int
    doubtful_clicks: int
    order_lines: int
    sales: list[LinkSales]


class LinkWanted(Struct):
    """A link to make: to a product, to a page of the shop, or to the shop."""

    merchant_id: Text
    sku: Text = ""
    url: Text = ""
    name: Text = ""
    subs: Annotated[list[Text], Meta(max_length=5)] = []


class ProductOut(Struct):
    """A product with what a sale of one piece pays; `yours_minor` is the partner's part."""

    merchant_id: str
    sku: str
    title: str
    url: str
    image_url: str
    category: str
    currency: str
    price_minor: int
    in_stock: bool
    rate_ppm: int | None
    flat_minor: int | None
    commission_minor: int
    yours_minor: int
    hot_rate: bool
    clicks: int
    orders: int


def listed(desk: Desk, call: Call) -> Listed:
    """The partner's links, most orders first."""
    found, _ = links.all_links(desk, partner_of(desk, call).partner_id, call.now)
    shown, following = page_of(found, call)
    return Listed([_out(desk, one) for one in shown], following)


def _out(desk: Desk, used: Used) -> LinkOut:
    made, target = used.made, used.target
    return LinkOut(
        code=used.code,
        address=links.address_of(desk, used.code),
        merchant_id=target.merchant_id if target else "",
        sku=target.sku if target else "",
        url=made.url if made else "",
        name=made.name if made else "",
        subs=list(made.subs) if made else [],
        plain=made is None,
        clicks=used.clicks.honest,
        doubtful_clicks=used.clicks.doubtful,
        order_lines=used.orders,
        sales=[LinkSales(key, one.lines, one.earned) for key, one in used.sales.items()],
    )


def make(desk: Desk, call: Call) -> LinkOut:
    """Makes a link.

    Raises:
        UnprocessableError: it would lead nowhere, or elsewhere.
    """
    partner = partner_of(desk, call)
    given = call.data
    wanted = Wanted(given.merchant_id, given.sku, given.url, given.name, tuple(given.subs))
    try:
        made = links.make(desk, call, wanted)
    except LinkRefusedError as refusal:
        raise UnprocessableError(ascii(str(refusal))[1:-1]) from None
    return _out(desk, links.one_link(desk, partner.partner_id, made.code, call.now))


def searched(desk: Desk, call: Call) -> Listed:
    """Products by their words; at most 200."""
    partner_id = partner_of(desk, call).partner_id
    words, only = call.query.get("q", ""), call.query.get("merchant_id", "")
    shown, following = page_of(products.found(desk, partner_id, words, only, call.now), call)
    return Listed([_product(one) for one in shown], following)


def hot(desk: Desk, call: Call) -> Listed:
    """The products that promise most now; at most 50."""
    partner_id = partner_of(desk, call).partner_id
    only = call.query.get("merchant_id", "")
    shown, following = page_of(products.hot(desk, partner_id, only, call.now), call)
    return Listed([_product(one) for one in shown], following)


def _product(one: Offer) -> ProductOut:
    product = one.product
    return ProductOut(
        merchant_id=product.merchant_id,
        sku=product.sku,
        title=product.title,
        url=product.url,
        image_url=product.image_url,
        category=product.category,
        currency=one.merchant.currency,
        price_minor=product.price_minor,
        in_stock=product.in_stock,
        rate_ppm=one.rate.ppm,
        flat_minor=one.rate.flat_minor,
        commission_minor=one.commission_minor,
        yours_minor=one.yours_minor,
        hot_rate=one.is_hot,
        clicks=one.clicks,
        orders=one.orders,
    )


_MERCHANT = {"merchant_id": ({"type": "string", "maxLength": 64}, "Only this merchant's.")}
_WORDS = {"q": ({"type": "string", "maxLength": 200}, "Words; the last may be a beginning.")}
ENDPOINTS = (
    Endpoint("GET", f"{_P}/links", "A partner's links", listed, answer=LinkOut, listed=True),
    Endpoint("POST", f"{_P}/links", "Make a link", make, body=LinkWanted, answer=LinkOut),
    Endpoint(
        "GET",
        f"{_P}/products",
        "Products to link to, by their words",
        searched,
        answer=ProductOut,
        listed=True,
        query={**_WORDS, **_MERCHANT},
    ),
    Endpoint(
        "GET",
        f"{_P}/hot-products",
        "The products that promise most now",
        hot,
        answer=ProductOut,
        listed=True,
        query=_MERCHANT,
    ),
)
