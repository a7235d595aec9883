"""Affiliate links: a click is on disk before the shopper is sent on, with its receipt.

Never here: what a code leads to (`api.link_book`) or what a click earns (`affiliate`). The one
surprising fact: no cookie is set and nobody is asked. The receipt travels in the address of the
merchant's page, and comes back with the order.
"""

import asyncio
import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import monotonic
from urllib.parse import parse_qsl
from uuid import uuid4

import segno

from adserver import metrics
from adserver.api.exchange import Answer, Request
from adserver.api.link_book import Found
from adserver.api.problems import BadRequestError, NotFoundError, UnavailableError
from adserver.api.receipts import ReceiptTooLongError
from adserver.api.serving import RETRY_SOON, Serving
from adserver.api.traffic import address_key, sender_address
from adserver.eventlog.link_clicks import TABLE, link_click_row
from adserver.ports import OutboxFullError
from affiliate.link import MAX_SUB_CHARS, PICTURE, SUBS, Subs, destination
from affiliate.order import Touch, TouchKind

ROOT = "/r/"
SVG = "image/svg+xml"
RETRY_LATER = (("Retry-After", "5"),)
LOOKED_AT = "head_request"  # a program that looks where a link leads: no shopper, not recorded
REMEMBERED_PICTURES = 1_024


async def follow(serving: Serving, request: Request) -> Answer:
    """`/r/{code}`: 302 to the merchant's page with the click's id, never anywhere else.

    `/r/{code}.svg` is the link's QR code.

    Raises:
        BadRequestError: a sub-id or customer reference that is too long, or no text.
        NotFoundError: an unknown code, a partner that is not approved, a merchant out of use.
        UnavailableError: the outbox is full, or no links have been loaded yet.
    """
    code = request.path.removeprefix(ROOT)
    if code.endswith(PICTURE):
        return await _picture(serving, _found(serving, code.removesuffix(PICTURE)))
    found = _found(serving, code)
    touch = _touch(serving, request, found)
    try:
        receipt = serving.receipts.sign(touch)
    except ReceiptTooLongError as too_long:
        raise BadRequestError(str(too_long)) from None
    if request.method != "HEAD":
        await _record(serving, request, touch)
    return Answer(302, headers=(("Location", destination(found.page, receipt)),))


def _found(serving: Serving, code: str) -> Found:
    if not serving.links.has_looked:
        raise UnavailableError("no links have been loaded yet", headers=RETRY_SOON)
    found = serving.links.find(code)
    if found is None:
        raise NotFoundError("no link of this code is in use")
    return found


def _touch(serving: Serving, request: Request, found: Found) -> Touch:
    given = dict(reversed(parse_qsl(request.query)))  # of a name given twice the first counts
    address = sender_address(request.address, request.headers, serving.settings.trusted_proxies)
    invalid = serving.traffic.doubt(request.headers.get("User-Agent", ""), address)
    return Touch(
        touch_id=uuid4().hex,
        kind=TouchKind.LINK,
        clicked_at=_now(),
        partner_id=found.target.partner_id,
        merchant_id=found.target.merchant_id,
        sku=found.target.sku,
        link_code=found.code,
        subs=_subs(given, found.subs),
        customer_ref=_text(given, "customer_ref"),
        invalid=invalid or (LOOKED_AT if request.method == "HEAD" else ""),
    )


def _now() -> datetime:
    """To the millisecond, as the receipt and the log keep it."""
    now = datetime.now(UTC)
    return now - timedelta(microseconds=now.microsecond % 1000)


def _subs(given: Mapping[str, str], otherwise: Subs) -> Subs:
    names = (f"sub{number}" for number in range(1, SUBS + 1))
    one, two, three, four, five = (
        _text(given, name) or default for name, default in zip(names, otherwise, strict=True)
    )
    return one, two, three, four, five


def _text(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "")
    if len(text) > MAX_SUB_CHARS or not text.isprintable():
        raise BadRequestError(f"{name} is text of at most {MAX_SUB_CHARS} characters")
    return text


async def _record(serving: Serving, request: Request, touch: Touch) -> None:
    """On disk when it returns. Crawlers fill the log at a limited pace, or they would fill it up.

    Raises:
        UnavailableError: the outbox is full.
    """
    if touch.invalid and not serving.suspects.take(monotonic()):
        metrics.DROPPED.add("suspect")
        return
    address = sender_address(request.address, request.headers, serving.settings.trusted_proxies)
    sender = address_key(address, serving.keyring.secret_key)
    clicked_ms = round(touch.clicked_at.timestamp() * 1000)
    try:
        await serving.clicks.append_row(TABLE, link_click_row(touch, clicked_ms, sender))
    except OutboxFullError:
        raise UnavailableError("the event queue is full", headers=RETRY_LATER) from None


async def _picture(serving: Serving, found: Found) -> Answer:
    """Drawn in a thread, few a second and remembered: it takes as long as ten ad requests."""
    address = f"{serving.base_url}{ROOT}{found.code}"
    if not serving.pictures.take(monotonic()):
        raise UnavailableError("too many pictures at once", headers=RETRY_SOON)
    return Answer(200, await asyncio.to_thread(qr_code, address), SVG)


@lru_cache(REMEMBERED_PICTURES)
def qr_code(address: str) -> bytes:
    """The QR code of an address as an SVG picture: black on white, with the margin it needs."""
    drawn = io.BytesIO()
    segno.make_qr(address, error="m").save(
        drawn, kind="svg", scale=8, border=4, dark="#000", light="#fff", xmldecl=False, nl=False
    )
    return drawn.getvalue()
