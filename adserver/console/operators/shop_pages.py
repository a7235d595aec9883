"""The pages and endpoints of merchants, their feeds and their payments.

Never here: what a merchant may be (`shops`) or how a feed is read (`feeds`).
"""

from typing import Any

from msgspec import Struct

from adserver.console.desk import Desk
from adserver.console.operators import feeds, open_forms, payments, shops
from adserver.console.operators.feeds import UPLOAD_BYTES, FeedTaken
from adserver.console.operators.house import amount, sheet, text, zone_of
from adserver.console.operators.paging import Order, part_of
from adserver.console.operators.payments import Booked, Payment, PaymentIn
from adserver.console.operators.refusals import Errors, errors_of
from adserver.console.operators.shops import Shop
from adserver.console.operators.written_fields import Written, boxes, of_form, shown
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.partnering import merchant_kind
from adserver.marketplace.problem import CatalogError
from affiliate.chart_of_accounts import merchant_receivable
from affiliate.merchandise import Merchant
from models.domain.money import Micros

PATH = "/house/merchants"
ONE = f"{PATH}/{{merchant}}"
FIELDS = (
    "name", "merchant_id", "home_url", "currency", "default_rate", "category_rates",
    "gift_categories", "trusted",
)  # fmt: skip
EDITED = tuple(name for name in FIELDS if name not in {"merchant_id", "currency"})


class HouseMerchant(Struct):
    """A merchant as the house sees it; `fields` are written as the catalog file writes them."""

    merchant_id: str
    name: str
    active: bool
    currency: str
    products: int
    in_stock: int
    balance_micros: int
    fields: dict[str, Any]


class MerchantFields(Struct):
    """Fields by name, each a text, or a list of texts where it takes many."""

    fields: dict[str, str | list[str]]
    reason: str = ""


_BY_ID: Order[Merchant] = Order(lambda one: (one.merchant_id,))


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/merchants`."""
    return _list_page(desk, call, {}, {}, 200)


def add(desk: Desk, call: Call) -> Reply:
    """`POST /house/merchants`."""
    given = of_form(merchant_kind(desk.settings.currency), call)
    try:
        made = shops.add(desk, call.identity, given, text(call, "reason"), call.now)
    except CatalogError as error:
        return _list_page(desk, call, given, errors_of(call, error), 422)
    return See(f"{PATH}/{made.merchant_id}", N_("The merchant is added."))


def _list_page(
    desk: Desk, call: Call, given: dict[str, Written], errors: Errors, status: int
) -> Html:
    by_name = merchant_kind(desk.settings.currency).by_name
    values = {"currency": desk.settings.currency, "trusted": "false", **given}
    some, further = part_of(call, PATH, shops.everyone(desk), shops.IN_USE_FIRST)
    shown_values = {
        "shops": shops.with_counts(desk, some),
        "next": further,
        "fields": boxes(call, [by_name[name] for name in FIELDS], values, errors),
        "errors": errors,
    }
    return Html("operators/merchants.html", shown_values, status)


def as_csv(desk: Desk, _: Call) -> Download:
    """`GET /house/merchants.csv`."""
    every = shops.with_counts(desk, shops.everyone(desk))
    return sheet("merchants", HouseMerchant, (_out(desk, one) for one in every))


def one_page(desk: Desk, call: Call) -> Html:
    """`GET /house/merchants/{merchant}`."""
    return _one_page(desk, call, {}, 200)


def edit(desk: Desk, call: Call) -> Reply:
    """`POST /house/merchants/{merchant}`."""
    merchant_id = call.params["merchant"]
    sent = {name: call.form.get(name, "").strip().replace("\r\n", "\n") for name in EDITED}
    merchant = shops.find(desk, merchant_id)[0].merchant
    try:
        given = open_forms.meant(call, sent, _written(desk, merchant))
        shops.edit(desk, call.identity, merchant_id, given, text(call, "reason"))
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422, open_forms.typed(call, sent))
    return See(f"{PATH}/{merchant_id}", N_("The merchant is changed."))


def _written(desk: Desk, merchant: Merchant) -> dict[str, str]:
    """A merchant's fields as its form shows them."""
    found = shown(merchant_kind(merchant.currency), merchant, zone_of(desk))
    return {name: found.get(name, "") for name in EDITED}


def standing(desk: Desk, call: Call) -> Reply:
    """`POST /house/merchants/{merchant}/archive` and `/restore`."""
    merchant_id, active = call.params["merchant"], call.path.endswith("/restore")
    given = {"active": "true" if active else "false"}
    shops.edit(desk, call.identity, merchant_id, given, "")
    said = N_("The merchant is in use again.") if active else N_("The merchant is archived.")
    return See(f"{PATH}/{merchant_id}", said)


def feed(desk: Desk, call: Call) -> Reply:
    """`POST /house/merchants/{merchant}/feed`: shows what it did, row by row."""
    try:
        taken = feeds.take(desk, call, call.params["merchant"])
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422)
    return _one_page(desk, call, {}, 200, taken=taken)


def pay(desk: Desk, call: Call) -> Reply:
    """`POST /house/merchants/{merchant}/deposit`."""
    merchant_id = call.params["merchant"]
    try:
        _book(desk, call, amount(text(call, "amount")), text(call, "reference"))
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422)
    return See(f"{PATH}/{merchant_id}", N_("The payment is booked."))


def _book(desk: Desk, call: Call, micros: Micros, reference: str) -> Booked:
    merchant = shops.find(desk, call.params["merchant"])[0].merchant
    account = merchant_receivable(merchant.merchant_id)
    payment = Payment(account, micros, merchant.currency, reference)
    return payments.book(desk, call.identity, payment, call.now)


def _one_page(
    desk: Desk,
    call: Call,
    errors: Errors,
    status: int,
    given: dict[str, str] | None = None,
    taken: FeedTaken | None = None,
) -> Html:
    shop, history = shops.find(desk, call.params["merchant"])
    values = {
        "shop": shop,
        "merchant": shop.merchant,
        "fields": _fields(desk, call, shop.merchant, given or {}, errors),
        "was": _written(desk, shop.merchant),
        "history": history,
        "errors": errors,
        "taken": taken,
        "values": {name: text(call, name) for name in ("amount", "reference")},
    }
    return Html("operators/merchant.html", values, status)


def _fields(
    desk: Desk,
    call: Call,
    merchant: Merchant,
    given: dict[str, str],
    errors: Errors,
) -> list[dict[str, Any]]:
    kind = merchant_kind(merchant.currency)
    values = _written(desk, merchant) | given
    return boxes(call, [kind.by_name[name] for name in EDITED], values, errors)


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/merchants`, by id."""
    some, more = _BY_ID.piece(shops.everyone(desk), call.cursor, call.limit)
    return Listed([_out(desk, one) for one in shops.with_counts(desk, some)], more)


def get(desk: Desk, call: Call) -> HouseMerchant:
    """`GET /api/v1/house/merchants/{merchant}`."""
    return _out(desk, shops.find(desk, call.params["merchant"])[0])


def post(desk: Desk, call: Call) -> HouseMerchant:
    """`POST /api/v1/house/merchants`."""
    given: MerchantFields = call.data
    made = shops.add(desk, call.identity, given.fields, given.reason, call.now)
    return _out(desk, shops.find(desk, made.merchant_id)[0])


def patch(desk: Desk, call: Call) -> HouseMerchant:
    """`PATCH /api/v1/house/merchants/{merchant}`."""
    given: MerchantFields = call.data
    merchant_id = call.params["merchant"]
    shops.edit(desk, call.identity, merchant_id, given.fields, given.reason)
    return _out(desk, shops.find(desk, merchant_id)[0])


def post_feed(desk: Desk, call: Call) -> FeedTaken:
    """`POST /api/v1/house/merchants/{merchant}/feed`: multipart, the file as `feed`."""
    return feeds.take(desk, call, call.params["merchant"])


def post_payment(desk: Desk, call: Call) -> Booked:
    """`POST /api/v1/house/merchants/{merchant}/deposits`."""
    given: PaymentIn = call.data
    return _book(desk, call, Micros(given.amount_micros), given.reference)


def _out(desk: Desk, shop: Shop) -> HouseMerchant:
    merchant = shop.merchant
    return HouseMerchant(
        merchant.merchant_id,
        merchant.name,
        merchant.active,
        merchant.currency,
        shop.products,
        shop.in_stock,
        shop.balance,
        shops.written(desk, merchant),
    )


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("POST", PATH, add, OPERATORS),
    Page("GET", ONE, one_page, OPERATORS),
    Page("POST", ONE, edit, OPERATORS),
    Page("POST", f"{ONE}/archive", standing, OPERATORS),
    Page("POST", f"{ONE}/restore", standing, OPERATORS),
    Page("POST", f"{ONE}/feed", feed, OPERATORS, upload_bytes=UPLOAD_BYTES),
    Page("POST", f"{ONE}/deposit", pay, OPERATORS),
)
_API = "/api/v1/house/merchants"
_ONE = f"{_API}/{{merchant}}"
ENDPOINTS = (
    Endpoint(
        "GET", _API, "All merchants", listed, OPERATORS, answer=HouseMerchant, listed=True
    ),
    Endpoint(
        "POST", _API, "Add a merchant", post, OPERATORS, body=MerchantFields,
        answer=HouseMerchant, status=201,
    ),
    Endpoint("GET", _ONE, "One merchant", get, OPERATORS, answer=HouseMerchant),
    Endpoint(
        "PATCH", _ONE, "Change a merchant", patch, OPERATORS, body=MerchantFields,
        answer=HouseMerchant,
    ),
    Endpoint(
        "POST", f"{_ONE}/feed", "Take in a product feed: a multipart form with the file `feed`, "
        "and `prune` where what it lacks is out of stock", post_feed, OPERATORS, answer=FeedTaken,
        upload_bytes=UPLOAD_BYTES,
    ),
    Endpoint(
        "POST", f"{_ONE}/deposits", "Book what a merchant has paid", post_payment, OPERATORS,
        body=PaymentIn, answer=Booked,
    ),
)  # fmt: skip
