"""An app's own ads: added with a picture, approved by the house, counted, taken back.

Never here: showing one (`adserver.api.house_ads`). The one surprising fact: an app that was
archived takes its ads along within a minute's publication, whatever their review says.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex

from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.creatives.intake import Examined, examining
from adserver.console.creatives.wording import refusal_in_words
from adserver.console.desk import Desk
from adserver.console.partners.apps import app_of
from adserver.console.partners.whose import base_path, partner_of
from adserver.console.web.exchange import Call, Html, See
from adserver.console.web.language import N_
from adserver.eventlog.house_events import HouseCounts, house_counts
from adserver.marketplace.notation import text, url
from adserver.media.checking import BusyError
from adserver.media.decoder import CLEAN, THUMBNAIL
from adserver.media.shelf import THUMBNAIL as THUMBNAIL_EXTENSION, digest_of, shelf_of
from adserver.media.verdict import FileKind, Refused
from adserver.ports import StoreAwayError
from adserver.stores import audit, database, house_ads, media_files
from adserver.stores.house_ads import HouseAd
from adserver.stores.media_files import MediaFile
from models.domain.campaign import Review
from models.domain.placement import App, Format

LOOK_BACK = timedelta(days=28)
MOST_BYTES = 8 * 1024 * 1024
KIND = "house_ad"
REVIEWS = {
    Review.PENDING: (N_("Waits for approval"), "warn"),
    Review.APPROVED: (N_("Approved"), "ok"),
    Review.REJECTED: (N_("Rejected"), "bad"),
}
LIMITS = {
    "title": text(200, least=1),
    "description": text(1_000),
    "cta": text(50),
    "landing_url": url(web_only=True),
}


class FormError(ValueError):
    """A form that is refused; what is wrong, by field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(str(errors))
        self.errors = errors


def counts_of(desk: Desk, app: App, now: datetime) -> Mapping[str, HouseCounts]:
    """How often each ad was shown and tapped in 28 days; nothing while the log is away."""
    if not desk.is_ready():
        return {}
    try:
        return house_counts(desk.store, app.app_id, now - LOOK_BACK, now)
    except StoreAwayError:
        return {}


def add(desk: Desk, app: App, call: Call) -> HouseAd:
    """Adds an ad from a form with a picture; it waits for approval.

    Raises:
        FormError: a field or the picture is not as it must be.
    """
    given = {name: call.form.get(name, "").strip() for name in (*LIMITS, "format")}
    errors = {
        name: message
        for name, limit in LIMITS.items()
        if (message := limit.check(given[name])) is not None
    }
    if given["format"] not in set(Format) or given["format"] == Format.REWARDED_VIDEO:
        errors["format"] = call._(N_("Choose one of the formats."))
    if errors:
        raise FormError(errors)
    picture = _picture(desk, call)
    ad = HouseAd(
        house_ad_id=f"ha_{token_hex(6)}",
        app_id=app.app_id,
        format=Format(given["format"]),
        w=picture.w,
        h=picture.h,
        title=given["title"],
        description=given["description"],
        cta=given["cta"],
        landing_url=given["landing_url"],
        asset_url=f"{desk.settings.media_base_url}/{picture.sha256}.{picture.extension}",
        asset_mime=picture.mime,
        asset_bytes=picture.bytes,
        asset_sha256=picture.sha256,
        review=Review.PENDING,
        review_reason="",
        active=True,
        changed_at=call.now,
    )
    with database.writing(desk.engine) as connection:
        media_files.take_in(connection, picture, call.now)
        media_files.mark_referenced(connection, [picture.sha256], call.now)
        house_ads.add(connection, ad)
        audit.record(
            connection, call.identity, "add", KIND, ad.house_ad_id, None, _told(ad), call.now
        )
    return ad


def _picture(desk: Desk, call: Call) -> MediaFile:
    uploads = call.files.get("picture", ())
    if not uploads:
        raise FormError({"picture": call._(N_("Choose a picture."))})
    try:
        with examining(desk) as examine:
            found = examine((uploads[0].name, uploads[0].path))
            if isinstance(found, Refused):
                raise FormError({"picture": refusal_in_words(found, call._)})
            if found.accepted.kind is FileKind.MP4:
                raise FormError({"picture": call._(N_("A picture is wanted, and not a film."))})
            return _shelved(desk, found)
    except BusyError:
        raise FormError(
            {"picture": call._(N_("Too many files are being looked at. Try again in a minute."))}
        ) from None


def _shelved(desk: Desk, one: Examined) -> MediaFile:
    """The picture on the shelf; its row keeps it from being swept for a day."""
    shelf, made, seen = shelf_of(desk.settings.data_dir), one.directory / CLEAN, one.accepted
    sha256, length = digest_of(made), made.stat().st_size
    with shelf.lock:
        shelf.keep(one.directory / THUMBNAIL, sha256, THUMBNAIL_EXTENSION)
        shelf.keep(made, sha256, seen.kind)
    return MediaFile(
        sha256=sha256,
        extension=str(seen.kind),
        mime=seen.kind.mime,
        w=seen.w,
        h=seen.h,
        bytes=length,
        duration_ms=seen.duration_ms,
        frames=seen.frames,
        look=seen.look,
    )


def take_back(
    desk: Desk,
    app: App,
    house_ad_id: str,
    who: Identity,
    now: datetime,
    active: bool | None = None,
) -> HouseAd:
    """Takes an ad out of use, or back into it; without `active` whichever it is not.

    Raises:
        NotFoundError: the app has no such ad.
    """
    with database.writing(desk.engine) as connection:
        before = house_ads.find(connection, house_ad_id)
        if before is None or before.app_id != app.app_id:
            raise NotFoundError("the app has no such ad")
        if active is before.active:
            return before
        after = replace(before, active=not before.active, changed_at=now)
        house_ads.put(connection, after)
        told = (_told(before), _told(after))
        audit.record(connection, who, "edit", KIND, house_ad_id, *told, now)
    return after


def judge(
    desk: Desk, house_ad_id: str, who: Identity, verdict: tuple[Review, str], now: datetime
) -> HouseAd:
    """The house's word on an ad; its partner reads why it is rejected.

    Raises:
        NotFoundError: there is none.
        FormError: it is rejected without a reason.
    """
    if verdict[0] is Review.REJECTED and not verdict[1]:
        raise FormError({"reason": N_("Say why it is rejected; its partner reads it.")})
    with database.writing(desk.engine) as connection:
        before = house_ads.find(connection, house_ad_id)
        if before is None:
            raise NotFoundError("there is no such ad")
        after = house_ads.judged(before, *verdict, now)
        house_ads.put(connection, after)
        action = "approve" if after.review is Review.APPROVED else "reject"
        told = (_told(before), _told(after))
        audit.record(connection, who, action, KIND, house_ad_id, *told, now)
    return after


def _told(ad: HouseAd) -> dict[str, object]:
    names = ("app_id", "format", "title", "landing_url", "asset_sha256", "review", "active")
    return {name: getattr(ad, name) for name in names} | {"review_reason": ad.review_reason}


def page(desk: Desk, call: Call) -> Html:
    """The app's own ads and the form of another."""
    partner = partner_of(desk, call)
    return _page(desk, call, app_of(desk, partner.partner_id, call.params["app_id"]), {})


def _page(desk: Desk, call: Call, app: App, errors: Mapping[str, str]) -> Html:
    with database.reading(desk.engine) as connection:
        found = house_ads.of_app(connection, app.app_id)
    counts = counts_of(desk, app, call.now)
    values = {
        "base": base_path(call),
        "here": f"{base_path(call)}/apps/{app.app_id}",
        "app": app,
        "ads": [
            (
                one,
                counts.get(one.house_ad_id, HouseCounts()),
                call._(REVIEWS[one.review][0]),
                REVIEWS[one.review][1],
            )
            for one in found
        ],
        "formats": [str(one) for one in Format if one is not Format.REWARDED_VIDEO],
        "typed": call.form,
        "errors": {field: call._(message) for field, message in errors.items()},
    }
    return Html("partners/house_ads.html", values, 422 if errors else 200)


def add_page(desk: Desk, call: Call) -> Html | See:
    """Takes the form of an own ad."""
    partner = partner_of(desk, call)
    app = app_of(desk, partner.partner_id, call.params["app_id"])
    try:
        add(desk, app, call)
    except FormError as error:
        return _page(desk, call, app, error.errors)
    return See(call.path, call._(N_("The ad waits for the house's approval.")))


def take_back_page(desk: Desk, call: Call) -> See:
    """Takes an ad out of use, or back into it."""
    partner = partner_of(desk, call)
    app = app_of(desk, partner.partner_id, call.params["app_id"])
    take_back(desk, app, call.params["house_ad_id"], call.identity, call.now)
    here = f"{base_path(call)}/apps/{app.app_id}/house-ads"
    return See(here, call._(N_("The ad was changed.")))
