"""The merchants' pages.

Never here: what they show (`desk_of_merchant`). The one surprising fact: the secret is shown again
and again, because it is derived and kept nowhere; whoever may see the page may sign orders.
"""

from urllib.parse import urlencode

from adserver.console.desk import Desk
from adserver.console.merchants import desk_of_merchant as merchants
from adserver.console.partners import words
from adserver.console.partners.sums import rate_of
from adserver.console.web.exchange import Call, Html, See
from adserver.console.web.language import N_
from adserver.marketplace.rate_notation import write_rate
from adserver.stores.order_rows import OrderRow
from affiliate.order import Status
from models.domain.money import micros_of

PAGE = 50


def home(desk: Desk, call: Call) -> Html:
    """The merchant's account and where to go on."""
    merchant = merchants.merchant_of(desk, call)
    account = merchants.account_of(desk, merchant)
    values = {
        "base": _base(call),
        "merchant": merchant,
        "account": account,
        "commission": micros_of(account.commission_minor, merchant.currency),
        "rate": write_rate(merchant.default_rate, merchant.currency),
        "orders": [_shown(row, call) for row in merchants.orders_page(desk, merchant, {}, 0, 5)],
    }
    return Html("merchants/home.html", values)


def _base(call: Call) -> str:
    return f"/merchants/{call.params['merchant_id']}"


def orders(desk: Desk, call: Call) -> Html:
    """Order lines with their verdicts, the last changed first."""
    merchant = merchants.merchant_of(desk, call)
    before = _number(call.query.get("before", ""))
    rows = merchants.orders_page(desk, merchant, call.query, before, PAGE + 1)
    last = rows[PAGE - 1].modified_seq if len(rows) > PAGE else 0
    values = {
        "base": _base(call),
        "merchant": merchant,
        "orders": [_shown(row, call) for row in rows[:PAGE]],
        "statuses": [("", call._(N_("Any")))]
        + [(str(one), call._(words.STATUSES[one])) for one in Status],
        "status": call.query.get("status", ""),
        "order_id": call.query.get("order_id", ""),
        "next": f"{call.path}?{urlencode({**call.query, 'before': last})}" if last else "",
    }
    return Html("merchants/orders.html", values)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _shown(row: OrderRow, call: Call) -> dict[str, object]:
    """A line as its merchant sees it: no partner, no link."""
    is_theirs = bool(row.partner_id)
    why = words.FOR_MERCHANTS.get(row.reason, "")
    verdict = N_("Commission") if row.commission_minor else N_("No commission")
    return {
        "row": row,
        "status": call._(words.STATUSES[Status(row.status)]),
        "rate": rate_of(row, call._) if is_theirs else "",
        "verdict": call._(verdict),
        "kind": "ok" if is_theirs and row.commission_minor else "",
        "why": call._(why) if why else "",
    }


def order(desk: Desk, call: Call) -> Html:
    """One order line: all versions that were told, and what it costs."""
    merchant = merchants.merchant_of(desk, call)
    row, told = merchants.order_of(desk, merchant, call.params["row_id"])
    values = {
        "base": _base(call),
        "merchant": merchant,
        "one": _shown(row, call),
        "told": [(fact, call._(words.STATUSES[fact.status]), came) for fact, came in told],
    }
    return Html("merchants/order.html", values)


def products(desk: Desk, call: Call) -> Html:
    """The merchant's products."""
    merchant = merchants.merchant_of(desk, call)
    asked = call.query.get("q", "")
    found, (every, in_stock) = merchants.products_page(desk, merchant, asked)
    values = {
        "base": _base(call),
        "merchant": merchant,
        "products": [
            (one, write_rate(one.rate, merchant.currency) if one.rate else "") for one in found
        ],
        "every": every,
        "in_stock": in_stock,
        "asked": asked,
    }
    return Html("merchants/products.html", values)


def key(desk: Desk, call: Call) -> Html:
    """The key, the secret, and a line that reports an order with them."""
    merchant = merchants.merchant_of(desk, call)
    bearer, secret = merchants.key_of(desk, merchant)
    values = {
        "base": _base(call),
        "merchant": merchant,
        "key": bearer,
        "secret": secret,
        "script": SCRIPT
        % {
            "url": f"{desk.settings.base_url}/v1/orders",
            "key": bearer,
            "secret": secret,
            "currency": merchant.currency,
        },
    }
    return Html("merchants/key.html", values)


def rotate(desk: Desk, call: Call) -> See:
    """Gives the merchant a new key and secret."""
    merchant = merchants.merchant_of(desk, call)
    merchants.rotate_key(desk, merchant, call.identity, call.now)
    return See(f"{_base(call)}/key", call._(N_("There is a new key. The old one is refused.")))


SCRIPT = """\
BODY='{"orders":[{"order_id":"1001","line_id":"1","version":1,"status":"paid","sku":"A-1",\
"quantity":1,"paid_minor":26900,"currency":"%(currency)s","occurred_at":"2026-11-22T10:01:00+08:00",\
"click_id":"the click_id of the landing page"}]}'
T=$(date +%%s)
SIG=$(printf '%%s.%%s' "$T" "$BODY" | openssl dgst -sha256 -hmac '%(secret)s' | sed 's/.* //')
curl -i %(url)s -H 'Authorization: Bearer %(key)s' -H "X-Signature: t=$T,v1=$SIG" \\
  -H 'Content-Type: application/json' -d "$BODY\""""
