"""A partner's links: made, listed with their clicks and orders, and one looked at closely.

Never here: following a link (`adserver.api.links`). The one surprising fact: plain links, which
nobody made ("partner~merchant~sku"), are listed as soon as somebody clicks them.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import segno
from sqlalchemy import Connection

from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.partners.whose import house_zone
from adserver.console.web.exchange import Call
from adserver.eventlog.partner_clicks import Clicks, clicks_by
from adserver.marketplace.problem import Sentence
from adserver.ports import StoreAwayError
from adserver.stores import audit, database, earnings, partners, products
from adserver.stores.earnings import Span, Sum
from adserver.stores.links import LinkRefusedError, find_links, links_of, make_link
from affiliate import link as rules
from affiliate.calendar import period_of
from affiliate.link import Link, Target, plain_code
from models.domain.ids import LinkCode, MerchantId, PartnerId, Sku

LOOK_BACK = timedelta(days=90)
ROOT = "/r/"
MOST_SUBS = 1_000
NO_CLICKS = Clicks()
NO_SALES = Sum()


@dataclass(frozen=True, slots=True)
class Used:
    """A link with what it brought in the last 90 days; `sales` by currency, in micros.

    `made` is None for a plain link.
    """

    code: str
    target: Target | None
    made: Link | None
    clicks: Clicks
    sales: Mapping[str, Sum]

    @property
    def orders(self) -> int:
        """Order lines."""
        return sum(one.lines for one in self.sales.values())


@dataclass(frozen=True, slots=True)
class Wanted:
    """A link as it is asked for."""

    merchant_id: str
    sku: str = ""
    url: str = ""
    name: str = ""
    subs: tuple[str, ...] = ()


def all_links(desk: Desk, partner_id: PartnerId, now: datetime) -> tuple[list[Used], bool]:
    """The partner's links, most orders and clicks first; and whether the click log was away."""
    clicks, away = _clicks(desk, partner_id, "link_code", now)
    with database.reading(desk.engine) as connection:
        made = {str(one.code): one for one in find_links(connection, partner_id)}
        sales = sales_by(connection, desk, partner_id, "link", now)
    codes = {code for code in made.keys() | clicks.keys() | sales.keys() if code}
    found = [
        Used(
            code,
            made[code].target if code in made else rules.parse_plain(code),
            made.get(code),
            clicks.get(code, NO_CLICKS),
            sales.get(code, {}),
        )
        for code in codes
    ]
    return sorted(found, key=lambda one: (-one.orders, -one.clicks.honest, one.code)), away


def sales_by(
    connection: Connection, desk: Desk, partner_id: PartnerId, key: str, now: datetime
) -> dict[str, dict[str, Sum]]:
    """Sales of the last 90 days by key and currency."""
    held = [desk.settings.currency, *earnings.holdings(connection, partner_id)]
    found: dict[str, dict[str, Sum]] = {}
    for currency in dict.fromkeys(held):
        period = period_of(now, house_zone(desk))
        span = Span(partner_id, currency, period, now - LOOK_BACK, now)
        for name, total in earnings.sales_by(connection, span, key).items():
            found.setdefault(name, {})[currency] = total
    return found


def _clicks(
    desk: Desk, partner_id: PartnerId, column: str, now: datetime, code: str = "", most: int = 0
) -> tuple[Mapping[str, Clicks], bool]:
    if not desk.is_ready():
        return {}, True
    try:
        span = (now - LOOK_BACK, now)
        return clicks_by(desk.store, partner_id, column, span, code, most), False
    except StoreAwayError:
        return {}, True


def one_link(desk: Desk, partner_id: PartnerId, code: str, now: datetime) -> Used:
    """One link of the partner, short or plain.

    Raises:
        NotFoundError: it is nobody's, or another partner's.
    """
    with database.reading(desk.engine) as connection:
        made = links_of(connection, [LinkCode(code)]).get(LinkCode(code))
        target = made.target if made else rules.parse_plain(code)
        if target is None or target.partner_id != partner_id:
            raise NotFoundError("you have no such link")
        sales = sales_by(connection, desk, partner_id, "link", now)
    code = code if made else plain_code(target)
    clicks, _ = _clicks(desk, partner_id, "link_code", now, code)
    return Used(code, target, made, clicks.get(code, NO_CLICKS), sales.get(code, {}))


def clicks_of_subs(
    desk: Desk, partner_id: PartnerId, code: str, now: datetime
) -> dict[str, Clicks]:
    """Clicks of one link by its first sub-id, of the `MOST_SUBS` with the most clicks."""
    found, _ = _clicks(desk, partner_id, "sub1", now, code, MOST_SUBS)
    return dict(found)


def make(desk: Desk, call: Call, wanted: Wanted) -> Link:
    """The link with these words, made if it is not there yet, with a line in the audit log.

    Raises:
        LinkRefusedError: it would lead nowhere, or its words are not as they must be.
    """
    partner_id = PartnerId(call.params["partner_id"])
    target = Target(partner_id, MerchantId(wanted.merchant_id), Sku(wanted.sku))
    link = Link(LinkCode(""), target, wanted.url, _name(wanted.name), _subs(wanted.subs))
    with database.writing(desk.engine) as connection:
        before = {one.code for one in find_links(connection, partner_id, target.merchant_id)}
        made = make_link(connection, link, call.now)
        if made.code not in before:
            told = {"merchant_id": target.merchant_id, "sku": target.sku, "url": made.url}
            told |= {"name": made.name, "subs": ", ".join(one for one in made.subs if one)}
            who = call.identity
            audit.record(connection, who, "add", "link", made.code, None, told, call.now)
    return made


def _name(name: str) -> str:
    if len(name) > rules.MAX_NAME_CHARS or not name.isprintable():
        most = rules.MAX_NAME_CHARS
        raise LinkRefusedError(Sentence("a name has at most %(most)s characters", most=most))
    return name.strip()


def _subs(given: tuple[str, ...]) -> rules.Subs:
    if len(given) > rules.SUBS or any(
        len(sub) > rules.MAX_SUB_CHARS or not sub.isprintable() for sub in given
    ):
        wanted = "a link has %(most)s sub-ids at most, each of %(letters)s characters"
        raise LinkRefusedError(Sentence(wanted, most=rules.SUBS, letters=rules.MAX_SUB_CHARS))
    one, two, three, four, five = (*given, *rules.NO_SUBS)[: rules.SUBS]
    return one, two, three, four, five


def address_of(desk: Desk, code: str) -> str:
    """What people click."""
    return f"{desk.settings.base_url}{ROOT}{code}"


def picture_of(desk: Desk, code: str) -> bytes:
    """The QR code of a link as an SVG picture, the same as the serving plane's at .svg."""
    drawn = io.BytesIO()
    segno.make_qr(address_of(desk, code), error="m").save(
        drawn, kind="svg", scale=8, border=4, dark="#000", light="#fff", xmldecl=False, nl=False
    )
    return drawn.getvalue()


def page_of_link(connection: Connection, used: Used) -> str:
    """The page that a link leads to; "" where its product or merchant is gone."""
    if used.made and used.made.url:
        return used.made.url
    target = used.target
    if target is None:
        return ""
    if target.sku:
        product = products.products_of(connection, target.merchant_id, [target.sku])
        return product[target.sku].url if target.sku in product else ""
    merchant = partners.merchant_of(connection, target.merchant_id)
    return merchant.home_url if merchant else ""
