"""The pages of links: what they brought, the maker with its product search, one link with its QR.

Never here: making or counting (`links`, `products`). The one surprising fact: the maker works
without JavaScript: a search is a GET, and choosing a product only fills the form.
"""

from urllib.parse import quote

from adserver.console.desk import Desk
from adserver.console.partners import links, products
from adserver.console.partners.links import Used, Wanted
from adserver.console.partners.whose import base_path, partner_of
from adserver.console.web.exchange import Call, Download, Html, See
from adserver.console.web.language import N_
from adserver.stores import database
from adserver.stores.links import LinkRefusedError
from models.domain.ids import PartnerId

SVG = "image/svg+xml"
SUBS = tuple(f"sub{number}" for number in range(1, 6))


def listing(desk: Desk, call: Call) -> Html:
    """All links with their clicks and orders."""
    partner = partner_of(desk, call)
    found, away = links.all_links(desk, partner.partner_id, call.now)
    rows = [(one, links.address_of(desk, one.code), href_of(call, one.code)) for one in found]
    return Html("partners/links.html", {"rows": rows, "away": away, "base": base_path(call)})


def href_of(call: Call, code: str) -> str:
    """The page of a link; a plain code may hold what a path cannot."""
    return f"{base_path(call)}/links/one?code={quote(code, safe='')}"


def maker(desk: Desk, call: Call) -> Html:
    """The search for products and the form of a link."""
    partner = partner_of(desk, call)
    return _maker(
        desk, call, partner.partner_id, {name: call.query.get(name, "") for name in _FORM}
    )


_FORM = ("merchant", "sku", "url", "name", *SUBS)


def _maker(
    desk: Desk, call: Call, partner_id: PartnerId, typed: dict[str, str], error: str = ""
) -> Html:
    words, only = call.query.get("q", ""), call.query.get("in", "")
    is_hot = call.query.get("view", "hot" if not words else "") == "hot"
    if is_hot:
        offers = products.hot(desk, partner_id, only, call.now)
    else:
        offers = products.found(desk, partner_id, words, only, call.now)
    values = {
        "base": base_path(call),
        "merchants": list(products.merchants_of(desk).values()),
        "offers": offers,
        "is_hot": is_hot,
        "words": words,
        "only": only,
        "typed": typed,
        "error": error,
        "subs": SUBS,
        "root": links.address_of(desk, ""),
        "partner_id": partner_id,
    }
    return Html("partners/link_maker.html", values, 422 if error else 200)


def make(desk: Desk, call: Call) -> Html | See:
    """Takes the form of a link."""
    partner = partner_of(desk, call)
    typed = {name: call.form.get(name, "").strip() for name in _FORM}
    wanted = Wanted(
        typed["merchant"],
        typed["sku"],
        typed["url"],
        typed["name"],
        tuple(typed[name] for name in SUBS),
    )
    try:
        made = links.make(desk, call, wanted)
    except LinkRefusedError as refusal:
        return _maker(desk, call, partner.partner_id, typed, call._(str(refusal)))
    return See(href_of(call, made.code), call._(N_("The link works from now on.")))


def one(desk: Desk, call: Call) -> Html:
    """One link: where it leads, its QR code, clicks and orders, by sub-id."""
    partner = partner_of(desk, call)
    used = links.one_link(desk, partner.partner_id, call.query.get("code", ""), call.now)
    with database.reading(desk.engine) as connection:
        page = links.page_of_link(connection, used)
    values = {
        "base": base_path(call),
        "used": used,
        "address": links.address_of(desk, used.code),
        "page": page,
        "picture": f"{base_path(call)}/links/qr.svg?code={quote(used.code, safe='')}",
        "subs": links.clicks_of_subs(desk, partner.partner_id, used.code, call.now),
        "most_subs": links.MOST_SUBS,
        "sales": list(used.sales.items()),
        "own_subs": _own_subs(used),
    }
    return Html("partners/link.html", values)


def _own_subs(used: Used) -> list[tuple[str, str]]:
    subs = used.made.subs if used.made else ()
    return [(name, sub) for name, sub in zip(SUBS, subs, strict=False) if sub]


def picture(desk: Desk, call: Call) -> Download:
    """The QR code of a link of the partner."""
    partner = partner_of(desk, call)
    used = links.one_link(desk, partner.partner_id, call.query.get("code", ""), call.now)
    return Download(links.picture_of(desk, used.code), SVG)
