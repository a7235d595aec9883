"""Apps' own ads over REST: sent in, taken back, and the house's word on them.

Never here: what an ad may be (`house_ads`), or the list of an app's ads (`app_endpoints`). The one
surprising fact: an ad is sent as its form is, in multipart, because its picture comes along.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from adserver.api.problems import UnprocessableError
from adserver.console.desk import Desk
from adserver.console.partners import house_ad_reviews, house_ads
from adserver.console.partners.app_endpoints import HouseAdOut
from adserver.console.partners.apps import app_of
from adserver.console.partners.house_ad_reviews import LONGEST_REASON, WaitingHouseAd
from adserver.console.partners.house_ads import FormError
from adserver.console.partners.whose import partner_of
from adserver.console.web.exchange import Call, Listed
from adserver.console.web.routes import OPERATORS, Endpoint
from adserver.eventlog.house_events import HouseCounts
from adserver.stores.house_ads import HouseAd
from models.domain.campaign import Review
from models.domain.placement import App


class HouseAdUse(Struct):
    """Whether the ad is to be shown, once it is approved."""

    active: bool


class HouseAdVerdict(Struct):
    """The house's word on an ad. A rejection says why: its partner reads it."""

    verdict: Literal["approved", "rejected"]
    reason: Annotated[str, Meta(max_length=LONGEST_REASON)] = ""


def add(desk: Desk, call: Call) -> HouseAdOut:
    """`POST /api/v1/partners/{partner_id}/apps/{app_id}/house-ads`."""
    app = _app(desk, call)
    try:
        return _out(house_ads.add(desk, app, call), HouseCounts())
    except FormError as error:
        field, message = next(iter(error.errors.items()))
        raise UnprocessableError(message, f"/{field}") from None


def use(desk: Desk, call: Call) -> HouseAdOut:
    """`PATCH /api/v1/partners/{partner_id}/apps/{app_id}/house-ads/{house_ad_id}`."""
    given: HouseAdUse = call.data
    app, wanted = _app(desk, call), call.params["house_ad_id"]
    ad = house_ads.take_back(desk, app, wanted, call.identity, call.now, given.active)
    return _counted(desk, app, ad, call)


def waiting(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/house-ads`: what waits, the longest first."""
    shown, following = house_ad_reviews.waiting(desk, call.cursor, call.limit)
    return Listed([house_ad_reviews.waiting_out(ad) for ad in shown], following)


def judge(desk: Desk, call: Call) -> HouseAdOut:
    """`POST /api/v1/house/house-ads/{house_ad_id}`."""
    given: HouseAdVerdict = call.data
    verdict = Review(given.verdict), given.reason.strip()
    try:
        judged = house_ads.judge(desk, call.params["house_ad_id"], call.identity, verdict, call.now)
    except FormError as error:
        raise UnprocessableError(error.errors["reason"], "/reason") from None
    return _counted(desk, desk.catalog.get(App, judged.app_id), judged, call)


def _app(desk: Desk, call: Call) -> App:
    return app_of(desk, partner_of(desk, call).partner_id, call.params["app_id"])


def _counted(desk: Desk, app: App, ad: HouseAd, call: Call) -> HouseAdOut:
    counts = house_ads.counts_of(desk, app, call.now)
    return _out(ad, counts.get(ad.house_ad_id, HouseCounts()))


def _out(ad: HouseAd, seen: HouseCounts) -> HouseAdOut:
    told = {name: getattr(ad, name) for name in HouseAdOut.__struct_fields__[:-2]}
    return HouseAdOut(**told, impressions=seen.impressions, clicks=seen.clicks)


_ADS = "/api/v1/partners/{partner_id}/apps/{app_id}/house-ads"
_HOUSE = "/api/v1/house/house-ads"
ENDPOINTS = (
    Endpoint(
        "POST", _ADS, "Send in an own ad: a multipart form with format, title, description, cta, "
        "landing_url and the file `picture`", add, answer=HouseAdOut, status=201,
        upload_bytes=house_ads.MOST_BYTES,
    ),
    Endpoint(
        "PATCH", f"{_ADS}/{{house_ad_id}}", "Take an own ad out of use, or back into it", use,
        body=HouseAdUse, answer=HouseAdOut,
    ),
    Endpoint(
        "GET", _HOUSE, "Apps' own ads that wait for the house's word", waiting, OPERATORS,
        answer=WaitingHouseAd, listed=True,
    ),
    Endpoint(
        "POST", f"{_HOUSE}/{{house_ad_id}}", "Approve or reject an app's own ad", judge,
        OPERATORS, body=HouseAdVerdict, answer=HouseAdOut,
    ),
)  # fmt: skip
