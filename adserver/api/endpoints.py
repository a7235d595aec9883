"""Every path of the serving plane: who answers it, and how it describes itself.

Never here: what an endpoint does. The one surprising fact: there is one row per path and method,
and both the router and `/openapi.json` are made from it.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version

from adserver.api import (
    ads,
    conversions,
    health,
    house_ad,
    links,
    order_wire,
    orders,
    preview,
    refusals,
    tracking,
)
from adserver.api.answer import AdsAnswer
from adserver.api.exchange import Answer, Endpoint, Request
from adserver.api.openapi import AS_VERDICT, SIGNATURE, TOKEN, Operation, document
from adserver.api.routes import Routes
from adserver.api.serving import Serving
from adserver.api.tracking import VerdictOut
from adserver.api.wire import AdsRequest
from affiliate.link import MAX_CODE_CHARS, MAX_SUB_CHARS, SUBS

SharedEndpoint = Callable[[Serving, Request], Awaitable[Answer]]
"""An endpoint that takes the worker's parts first."""

TEXT = "text/plain"
PICTURE = {
    "name": "format",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": list(house_ad.SIZES)},
}
LINK_CODE = {
    "name": "code",
    "in": "path",
    "required": True,
    "description": "A short code, or partner~merchant, or partner~merchant~SKU.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_CODE_CHARS,
        "pattern": "^[A-Za-z0-9._~%-]+$",
    },
}
SUB_IDS = tuple(
    {
        "name": f"sub{number}",
        "in": "query",
        "description": "The partner's own note; it comes back with the order.",
        "schema": {"type": "string", "maxLength": MAX_SUB_CHARS},
    }
    for number in range(1, SUBS + 1)
)
CUSTOMER_REF = {
    "name": "customer_ref",
    "in": "query",
    "description": "The merchant's hash of the customer, where the partner knows it.",
    "schema": {"type": "string", "maxLength": MAX_SUB_CHARS},
}
PREVIEW_NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": list(preview.FILES)},
}

ADS = Operation(
    "Ads for a placement",
    "apps",
    body=AdsRequest,
    answers={200: AdsAnswer, 204: None},
    problems=(400, 401, 403, 413, 415, 503),
    security=("app_key",),
)
IMPRESSION = Operation(
    "An ad was shown",
    "beacons",
    answers={200: VerdictOut, 204: None},
    problems=(400, 404, 503),
    parameters=(TOKEN, AS_VERDICT),
)
VIEWABLE = Operation(
    "An ad was seen",
    "beacons",
    answers={200: VerdictOut, 204: None},
    problems=(400, 404, 503),
    parameters=(TOKEN, AS_VERDICT),
)
CLICK = Operation(
    "An ad was tapped",
    "beacons",
    answers={200: VerdictOut, 302: None},
    problems=(400, 404, 503),
    parameters=(TOKEN, AS_VERDICT),
)
CONVERSIONS = Operation(
    "What happened after a click",
    "advertisers",
    body=conversions.ConversionsRequest,
    answers={200: conversions.ConversionsAnswer},
    problems=(400, 401, 413, 415, 503),
    parameters=(SIGNATURE,),
    security=("advertiser_key",),
)
ORDERS = Operation(
    "Order lines as they are paid for, received, cancelled and refunded",
    "merchants",
    body=order_wire.OrdersRequest,
    answers={200: order_wire.OrdersAnswer},
    problems=(400, 401, 404, 413, 415, 422, 503),
    parameters=(SIGNATURE,),
    security=("merchant_key",),
)
HEALTH = Operation("Alive", "health", answers={200: None})
READY = Operation("Warm", "health", answers={200: None}, problems=(503,))
METRICS = Operation("Prometheus text", "health", answers={200: None}, media_type=TEXT)
TEST_PICTURE = Operation(
    "The picture of the test ad",
    "apps",
    answers={200: None},
    problems=(404,),
    parameters=(PICTURE,),
    media_type="image/png",
)
PREVIEW = Operation("A phone to look at", "preview", answers={200: None}, media_type=preview.HTML)
PREVIEW_FILE = Operation(
    "Its style sheet and scripts",
    "preview",
    answers={200: None},
    problems=(404,),
    parameters=(PREVIEW_NAME,),
    media_type="text/css",
    also=("text/javascript",),
)
PREVIEW_PLACEMENTS = Operation(
    "The placements of an app, for the phone to choose from",
    "preview",
    answers={200: preview.PlacementsOut},
    problems=(401, 503),
    security=("app_key",),
)
OPENAPI = Operation("This document", "health", answers={200: None})

LINK = Operation(
    "A partner's link was clicked",
    "links",
    answers={302: None},
    problems=(400, 404, 431, 503),
    parameters=(LINK_CODE, *SUB_IDS, CUSTOMER_REF),
)
LINK_PICTURE = Operation(
    "The QR code of a link",
    "links",
    answers={200: None},
    problems=(404, 503),
    parameters=(LINK_CODE,),
    media_type=links.SVG,
)

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/v1/ads"): ADS,
    ("POST", "/v1/conversions"): CONVERSIONS,
    ("POST", order_wire.PATH): ORDERS,
    ("GET", "/e/i/{token}"): IMPRESSION,
    ("POST", "/e/i/{token}"): IMPRESSION,
    ("GET", "/e/v/{token}"): VIEWABLE,
    ("POST", "/e/v/{token}"): VIEWABLE,
    ("GET", "/e/c/{token}"): CLICK,
    ("POST", "/e/c/{token}"): CLICK,
    ("GET", "/r/{code}"): LINK,
    ("HEAD", "/r/{code}"): LINK,
    ("GET", "/r/{code}.svg"): LINK_PICTURE,
    ("HEAD", "/r/{code}.svg"): LINK_PICTURE,
    ("GET", "/test-ads/{format}.png"): TEST_PICTURE,
    ("GET", preview.PATH): PREVIEW,
    ("GET", "/preview/{name}"): PREVIEW_FILE,
    ("GET", preview.PLACEMENTS_PATH): PREVIEW_PLACEMENTS,
    ("GET", "/healthz"): HEALTH,
    ("GET", "/readyz"): READY,
    ("GET", "/metrics"): METRICS,
    ("GET", "/openapi.json"): OPENAPI,
}


def routes(serving: Serving) -> Routes:
    """The router over all operations, for one worker."""
    shared: dict[str, SharedEndpoint] = {
        "/v1/ads": refusals.noted(ads.serve_ad),
        "/v1/conversions": conversions.receive,
        order_wire.PATH: orders.receive,
        "/e/i/{token}": tracking.impression,
        "/e/v/{token}": tracking.viewable,
        "/e/c/{token}": tracking.click,
        "/r/{code}": links.follow,
        "/r/{code}.svg": links.follow,
        preview.PLACEMENTS_PATH: preview.placements,
        "/readyz": health.readyz,
    }
    plain: dict[str, Endpoint] = {
        "/test-ads/{format}.png": house_ad.picture,
        preview.PATH: preview.page,
        "/preview/{name}": preview.file,
        "/healthz": health.healthz,
        "/metrics": health.metrics_page,
        "/openapi.json": _describe,
    }
    endpoints = plain | {path: partial(endpoint, serving) for path, endpoint in shared.items()}
    table: dict[str, dict[str, Endpoint]] = {}
    for method, path in OPERATIONS:
        table.setdefault(path.partition("{")[0], {})[method] = endpoints[path]
    return Routes(table)


DOCUMENT = document(OPERATIONS, version("adunion"))


async def _describe(_: Request) -> Answer:
    """`GET /openapi.json`."""
    return Answer(200, DOCUMENT)
