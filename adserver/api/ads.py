"""`POST /v1/ads`: the shell around `ranking.decision.decide`.

Never here: which ad wins. Money is reserved before the answer leaves; what only statistics need is
recorded without waiting. The one surprising fact: an offer's id follows from the app, the request
id and the position alone, so a client may retry as often as it likes and each ad counts once.
"""

from datetime import UTC, datetime
from time import perf_counter

import msgspec
from msgspec import UNSET, UnsetType

from adserver import metrics
from adserver.api import house_ad, house_ads, wire
from adserver.api.answer import AdOut, Debug, Face, Setting, ad_out, encode
from adserver.api.exchange import Answer, Request
from adserver.api.problems import BadRequestError, ForbiddenError
from adserver.api.records import Outcome, record
from adserver.api.serving import Serving
from adserver.reload import Live
from models.domain.ad_request import AdRequest
from models.domain.event import NO_PARTNER, Offer, offer_id
from models.domain.ids import PlacementId
from models.domain.placement import App, Placement
from ranking.decision import Decision, Winner, decide
from ranking.slate import NoAdReason
from ranking.snapshot import Snapshot

APP_OFF = (("X-No-Ad-Reason", "app_switched_off"),)


async def serve_ad(serving: Serving, request: Request) -> Answer:
    """The answer to an ad request: 200 with ads, or 204 with X-No-Ad-Reason.

    Raises:
        Problem: a key, body or placement that is not as it must be.
    """
    began = perf_counter()
    live = serving.selling()
    app = serving.app(request.headers.get("X-App-Key"), live)
    body = wire.parse(request, wire.ads_request)
    placement = placement_of(app, PlacementId(body.placement_id), live)
    user_id = wire.user_id(body)
    user_key = serving.keyring.user_key(user_id) if user_id else None
    ad_request = wire.to_domain(body, app, placement, user_key)

    asked = perf_counter()
    user = await serving.users.load(user_key, personalized=ad_request.personalized)
    metrics.STAGES.observe("user", perf_counter() - asked)

    now, decides = datetime.now(UTC), perf_counter()
    snapshot, arm = live.of(ad_request)
    decision = decide(ad_request, user, snapshot, now, serving.rng)
    metrics.STAGES.observe("decide", perf_counter() - decides)
    offers = [offer_of(winner, ad_request, now) for winner in decision.winners]
    if not ad_request.test:
        for offer in offers:
            serving.spend.reserve(offer)
    outcome = Outcome(ad_request, user, now, decision, offers, perf_counter() - began, arm)
    record(serving.recorder, snapshot, outcome)
    serving.sampler.consider(snapshot, outcome)
    return answer(serving, snapshot, outcome)


def placement_of(app: App, placement_id: PlacementId, live: Live) -> Placement:
    """The placement asked for, which must be the app's own.

    Raises:
        BadRequestError: no such placement.
        ForbiddenError: another app's, or the app is switched off.
    """
    if app.app_id in live.switches.apps:
        metrics.NO_ADS.add(APP_OFF[0][1])
        raise ForbiddenError("the operator has switched this app off", headers=APP_OFF)
    if not app.active:
        raise ForbiddenError("this app is switched off")
    placement = live.snapshot.catalog.placements.get(placement_id)
    if placement is None:
        raise BadRequestError("no such placement", "/placement_id")
    if placement.app_id != app.app_id:
        raise ForbiddenError("this placement belongs to another app", "/placement_id")
    return placement


def offer_of(winner: Winner, request: AdRequest, now: datetime) -> Offer:
    """The offer of one winner: what its beacons will carry home."""
    ad = winner.ad
    return Offer(
        offer_id=offer_id(request.app.app_id, request.request_id, winner.position),
        served_ms=int(now.timestamp() * 1000),
        app_id=request.app.app_id,
        placement_id=request.placement.placement_id,
        format=request.placement.format,
        advertiser_id=ad.advertiser.advertiser_id,
        campaign_id=ad.campaign.campaign_id,
        line_item_id=ad.line_item.line_item_id,
        creative_id=ad.creative.creative_id,
        pricing=ad.line_item.pricing,
        price_micros=winner.price_micros,
        reserved_micros=winner.reserved_micros,
        utc_offset_s=winner.utc_offset_s,
        user_key=request.user_key,
        test=request.test,
        partner_id=request.app.partner_id or NO_PARTNER,
    )


def answer(serving: Serving, snapshot: Snapshot, outcome: Outcome) -> Answer:
    """The outcome as bytes."""
    request, decision = outcome.request, outcome.decision
    debug = debug_of(snapshot, decision) if request.debug else UNSET
    setting = Setting(serving.base_url, request.language, serving.settings.ad_expires_s)
    ads: list[AdOut] = []
    for winner, offer in zip(decision.winners, outcome.offers, strict=True):
        face = serving.faces.of(winner.ad.creative, winner.ad.advertiser.name, snapshot.version)
        ads.append(ad_out(face, offer, serving.signer.sign(offer), setting))
    if not ads and request.test:
        ads = [house_ad_out(serving, request, setting)]
    if ads:
        return Answer(200, encode(request.request_id, ads, debug))
    nothing = no_ad(decision.no_ad or NoAdReason.NOTHING_LIVE, debug)
    own = serving.house.pick(request)
    if own is None:
        return nothing
    offer = house_ads.offer_of(request, own)
    ads = [ad_out(own, offer, serving.signer.sign(offer), setting)]
    return Answer(200, encode(request.request_id, ads, debug), headers=nothing.headers)


def house_ad_out(serving: Serving, request: AdRequest, setting: Setting) -> AdOut:
    """The test ad, where the catalog has nothing to show."""
    offer = house_ad.offer(request, int(datetime.now(UTC).timestamp() * 1000))
    face = Face.of(
        house_ad.creative(request.placement.format, setting.base_url), house_ad.ADVERTISER_NAME
    )
    return ad_out(face, offer, serving.signer.sign(offer), setting)


def no_ad(reason: NoAdReason, debug: Debug | UnsetType) -> Answer:
    """204 with the reason. It has no body, so the funnel asked for travels in X-Debug."""
    metrics.NO_ADS.add(reason)
    headers = [("X-No-Ad-Reason", str(reason))]
    if debug is not UNSET:
        headers.append(("X-Debug", ascii(msgspec.json.encode(debug).decode())[1:-1]))
    return Answer(204, headers=tuple(headers))


def debug_of(snapshot: Snapshot, decision: Decision) -> Debug:
    """How many ads each stage left, and why the others left."""
    return Debug(
        funnel=dict(decision.funnel),
        rejected=dict(decision.rejected),
        snapshot=snapshot.version,
        model=snapshot.ctr.version,
    )
