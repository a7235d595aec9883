"""The operators' review: what waits, large and with all that helps to judge, and the verdict.

Never here: saving (`saving`). The one surprising fact: after a verdict the next waiting creative is
shown, so a queue is worked off without going back to it.
"""

from adserver.api.problems import NotFoundError
from adserver.console.creatives import saving
from adserver.console.creatives.creative_pages import errors_of, story_line
from adserver.console.creatives.hints import alike_elsewhere
from adserver.console.creatives.shown import face_of
from adserver.console.creatives.wording import LANDINGS, REJECTIONS, REVIEW_BADGES, REVIEWS
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.problems import ConflictError
from adserver.marketplace.problem import CatalogError
from adserver.stores import creative_reviews, database
from adserver.stores.creative_reviews import Entry, Said, Waiting
from models.domain.campaign import Advertiser, Campaign, Creative, LineItem, Review

PATH = "/house/review"
COMPARED = (
    "format", "landing_url", "landing_kind", "fallback_url", "title", "description", "cta",
    "line_item_id",
)  # fmt: skip
NAMES = {
    "format": N_("Format"),
    "landing_url": N_("Landing page"),
    "landing_kind": N_("A tap opens"),
    "fallback_url": N_("Fallback page"),
    "title": N_("Headline"),
    "description": N_("Text"),
    "cta": N_("Button"),
    "line_item_id": N_("Line item"),
    "assets": N_("Files"),
}
SHOWN = 60


def queue(desk: Desk, call: Call) -> Html:
    """`GET /house/review`."""
    with database.reading(desk.engine) as connection:
        found = creative_reviews.waiting(connection)
    owners = desk.catalog.find(Advertiser, archived=True)
    names: dict[str, str] = {one.advertiser_id: one.name for one in owners}
    values = {
        "count": len(found),
        "waiting": [
            (face_of(desk.settings, one.creative, call._), names[one.advertiser_id], one.entry)
            for one in found[:SHOWN]
        ],
    }
    return Html("creatives/queue.html", values)


def show(desk: Desk, call: Call) -> Html:
    """`GET /house/review/{creative_id}`."""
    return _shown(desk, call, {}, 200)


def approve(desk: Desk, call: Call) -> Reply:
    """`POST /house/review/{creative_id}/approve`."""
    return _decided(desk, call, Said(call.identity.actor, Review.APPROVED))


def reject(desk: Desk, call: Call) -> Reply:
    """`POST /house/review/{creative_id}/reject`."""
    reason = call.form.get("reason", "")
    words = call.form.get("words", "").strip()
    known = reason if reason in REJECTIONS else ""
    return _decided(desk, call, Said(call.identity.actor, Review.REJECTED, known, words))


def _decided(desk: Desk, call: Call, said: Said) -> Reply:
    creative_id, version = call.params["creative_id"], call.form.get("version", "")
    _require(desk, creative_id)
    try:
        saving.decide(desk, call.identity, creative_id, version, said, call.now)
    except ConflictError as error:
        return _shown(desk, call, {"": call._(error.detail)}, 409)
    except CatalogError as error:
        return _shown(desk, call, errors_of(call, error), 422)
    is_approved = said.verdict is Review.APPROVED
    notice = N_("Approved. Apps show it within two seconds.") if is_approved else N_("Rejected.")
    return See(_next_path(desk), notice)


def _next_path(desk: Desk) -> str:
    with database.reading(desk.engine) as connection:
        left = creative_reviews.waiting(connection)
    return f"{PATH}/{left[0].creative.creative_id}" if left else PATH


def _require(desk: Desk, creative_id: str) -> Creative:
    try:
        return desk.catalog.get(Creative, creative_id)
    except CatalogError:
        raise NotFoundError("there is no such creative") from None


def _shown(desk: Desk, call: Call, errors: dict[str, str], status: int) -> Html:
    creative = _require(desk, call.params["creative_id"])
    item = desk.catalog.get(LineItem, creative.line_item_id)
    with database.reading(desk.engine) as connection:
        story = creative_reviews.story(connection, creative.creative_id)
        approved = creative_reviews.last_approved(connection, [creative.creative_id])
        alike = alike_elsewhere(connection, creative)
        left = creative_reviews.waiting(connection)
    advertiser = _advertiser(desk, item)
    values = {
        "face": face_of(desk.settings, creative, call._),
        "item": item,
        "advertiser": advertiser,
        "base": f"/advertisers/{advertiser.advertiser_id}/creatives",
        "landing_kind": call._(LANDINGS[creative.landing_kind]),
        "version": saving.version_of(creative),
        "story": [story_line(call, one) for one in story],
        "declared": story_line(call, story[0])["declared"] if story else [],
        "changes": _changes(call, creative, approved.get(creative.creative_id)),
        "alike": [(one, call._(REVIEWS[one.review]), REVIEW_BADGES[one.review]) for one in alike],
        "position": _position(left, creative),
        "count": len(left),
        "next_href": _following(left, creative),
        "reasons": [("", call._(N_("Choose a reason"))), *_reasons(call)],
        "given": {name: call.form.get(name, "") for name in ("reason", "words")},
        "errors": errors,
    }
    return Html("creatives/judge.html", values, status)


def _advertiser(desk: Desk, item: LineItem) -> Advertiser:
    campaign = desk.catalog.get(Campaign, item.campaign_id)
    return desk.catalog.get(Advertiser, campaign.advertiser_id)


def _changes(call: Call, creative: Creative, approved: Entry | None) -> list[tuple[str, str, str]]:
    """(name, as it was approved, as it is) of what differs; nothing for what is new."""
    if approved is None:
        return []
    before = approved.creative
    found = [
        (call._(NAMES[name]), str(before.get(name, "")), str(getattr(creative, name)))
        for name in COMPARED
        if str(before.get(name, "")) != str(getattr(creative, name))
    ]
    old = [asset["sha256"][:12] for asset in before.get("assets", ())]
    new = [asset.sha256[:12] for asset in creative.assets]
    if old != new:
        found.append((call._(NAMES["assets"]), ", ".join(old), ", ".join(new)))
    return found


def _reasons(call: Call) -> list[tuple[str, str]]:
    return [(key, call._(text)) for key, text in REJECTIONS.items()]


def _position(left: list[Waiting], creative: Creative) -> int:
    ids = [one.creative.creative_id for one in left]
    return ids.index(creative.creative_id) + 1 if creative.creative_id in ids else 0


def _following(left: list[Waiting], creative: Creative) -> str:
    at = _position(left, creative)
    return f"{PATH}/{left[at].creative.creative_id}" if at < len(left) else ""
