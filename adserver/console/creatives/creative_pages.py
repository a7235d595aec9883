"""An advertiser's creatives: the list, one of them with its story, and the form that makes it.

Never here: rules (`drafts`), the library of files (`library_pages`). The one surprising fact: the
form shows every format with the file in its frame, also those it does not fit and why, so that
nobody has to guess which size to export.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from adserver.console.buyer_desk import own
from adserver.console.creatives import drafts, saving
from adserver.console.creatives.drafts import Draft, Files
from adserver.console.creatives.owned import Market, find_upload, market_of, own_creative
from adserver.console.creatives.shown import (
    Face,
    Fit,
    Picture,
    face_of,
    fits_of,
    picture_of_file,
)
from adserver.console.creatives.wording import DECLARATIONS, FORMATS, LANDINGS, REJECTIONS, REVIEWS
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html, Reply, See
from adserver.console.web.language import N_
from adserver.marketplace.problem import CatalogError
from adserver.media.specs import icon_misfit
from adserver.stores import creative_reviews, database, media_files
from models.domain.campaign import Creative, LineItem, Review
from models.domain.placement import Format

SHOWN = 60
ARCHIVED = "archived"
FIELDS = (
    "line_item_id", "form", "landing_url", "landing_kind", "fallback_url", "title", "description",
    "cta",
)  # fmt: skip
_MOST_ICONS = 50


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a form is about: the files picked, and the creative that is being changed."""

    files: Files
    before: Creative | None = None


def base(call: Call) -> str:
    """Where an advertiser's creatives are."""
    return f"/advertisers/{call.params['advertiser_id']}/creatives"


def index(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/creatives`."""
    held = own(desk, call)
    state = call.query.get("state", "")
    wanted = call.query.get("line_item_id", "")
    after = call.query.get("after", "")
    found = [
        one
        for one in held.creatives
        if one.creative_id > after
        and (not wanted or one.line_item_id == wanted)
        and _is_in_state(one, state)
    ]
    values = {
        "base": base(call),
        "held": held,
        "faces": [face_of(desk.settings, one, call._) for one in found[:SHOWN]],
        "items": {one.line_item_id: one.name for one in held.line_items},
        "tabs": _tabs(call, state, wanted),
        "state": state,
        "wanted": wanted,
        "next_href": _next_href(call, found),
    }
    return Html("creatives/index.html", values)


def _next_href(call: Call, found: list[Creative]) -> str:
    if len(found) <= SHOWN:
        return ""
    kept = {name: call.query.get(name, "") for name in ("state", "line_item_id")}
    return f"{base(call)}?{urlencode({**kept, 'after': found[SHOWN - 1].creative_id})}"


def _is_in_state(creative: Creative, state: str) -> bool:
    if state == ARCHIVED:
        return not creative.active
    return creative.active and (not state or creative.review == state)


def _tabs(call: Call, state: str, wanted: str) -> list[tuple[str, str, bool]]:
    names = [("", N_("All in use")), *REVIEWS.items(), (ARCHIVED, N_("Archived"))]
    found = []
    for value, name in names:
        query = urlencode({"state": str(value), "line_item_id": wanted})
        found.append((f"{base(call)}?{query}", call._(name), value == state))
    return found


def new(desk: Desk, call: Call) -> Reply:
    """`GET /advertisers/{advertiser_id}/creatives/new`: for the file named in the query."""
    market = market_of(desk, call)
    chosen = _chosen(desk, market, call.query.get("file", ""), "")
    wanted = call.query.get("line_item_id", "")
    if chosen.files.main is None:
        query = f"?{urlencode({'line_item_id': wanted})}" if wanted else ""
        return See(f"{base(call)}/files{query}", N_("Choose a file first, or upload one."))
    draft = Draft(line_item_id=wanted)
    return _form(desk, call, market, (draft, chosen), {}, 200)


def make(desk: Desk, call: Call) -> Reply:
    """`POST /advertisers/{advertiser_id}/creatives/new`."""
    market = market_of(desk, call)
    chosen = _chosen(desk, market, call.form.get("file", ""), call.form.get("icon", ""))
    draft = draft_of(call)
    if "look" in call.form:
        return _form(desk, call, market, (draft, chosen), {}, 200)
    try:
        creative = drafts.built(draft, chosen.files, market, call._)
        whole = drafts.with_assets(creative, chosen.files, desk.settings.media_base_url)
        saving.hand_in(desk, call.identity, [(whole, draft.declared)], call.now)
    except CatalogError as error:
        return _form(desk, call, market, (draft, chosen), errors_of(call, error), 422)
    notice = N_("It waits for review. You will see the verdict here.")
    return See(f"{base(call)}/{whole.creative_id}", notice)


def edit(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/creatives/{creative_id}/edit`."""
    market = market_of(desk, call)
    before = own_creative(market.held, call)
    chosen = _chosen(desk, market, call.query.get("file", ""), "", before)
    return _form(desk, call, market, (draft_from(desk, before), chosen), {}, 200)


def change(desk: Desk, call: Call) -> Reply:
    """`POST /advertisers/{advertiser_id}/creatives/{creative_id}/edit`."""
    market = market_of(desk, call)
    before = own_creative(market.held, call)
    chosen = _chosen(desk, market, call.form.get("file", ""), call.form.get("icon", ""), before)
    draft = draft_of(call)
    if "look" in call.form:
        return _form(desk, call, market, (draft, chosen), {}, 200)
    media_url = desk.settings.media_base_url

    def edited(now: Creative) -> Creative:
        made = drafts.built(draft, chosen.files, market, call._, now)
        return drafts.with_assets(made, chosen.files, media_url)

    try:
        after = saving.change(
            desk, call.identity, before.creative_id, edited, draft.declared, call.now
        )
    except CatalogError as error:
        return _form(desk, call, market, (draft, chosen), errors_of(call, error), 422)
    waits = after.review is Review.PENDING
    notice = N_("Saved. It waits for review again.") if waits else N_("Nothing was changed.")
    return See(f"{base(call)}/{after.creative_id}", notice)


def show(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/creatives/{creative_id}`."""
    held = own(desk, call)
    creative = own_creative(held, call)
    with database.reading(desk.engine) as connection:
        story = creative_reviews.story(connection, creative.creative_id)
    item = next(one for one in held.line_items if one.line_item_id == creative.line_item_id)
    values = {
        "base": base(call),
        "held": held,
        "face": face_of(desk.settings, creative, call._),
        "item": item,
        "landing_kind": call._(LANDINGS[creative.landing_kind]),
        "story": [story_line(call, one) for one in story],
        "version": saving.version_of(creative),
        "reasons": [(key, call._(text)) for key, text in REJECTIONS.items()],
    }
    return Html("creatives/show.html", values)


def archive(desk: Desk, call: Call) -> See:
    """`POST /advertisers/{advertiser_id}/creatives/{creative_id}/archive`."""
    creative = own_creative(own(desk, call), call)
    desk.catalog.acting_for(call.identity).archive(Creative, creative.creative_id, call.now)
    return See(f"{base(call)}/{creative.creative_id}", N_("Archived. It is shown no more."))


def restore(desk: Desk, call: Call) -> See:
    """`POST /advertisers/{advertiser_id}/creatives/{creative_id}/restore`."""
    creative = own_creative(own(desk, call), call)
    desk.catalog.acting_for(call.identity).restore(Creative, creative.creative_id, call.now)
    return See(f"{base(call)}/{creative.creative_id}", N_("It is in use again."))


def draft_of(call: Call) -> Draft:
    """What was typed into the form."""
    values = {name: call.form.get(name, "") for name in FIELDS}
    is_splash = values["form"] == Format.SPLASH
    ticked = call.form.getall("declared", []) if is_splash else []
    declared = tuple(one for one in DECLARATIONS if one in ticked)
    return Draft(**values, declared=declared)


def draft_from(desk: Desk, creative: Creative) -> Draft:
    """A creative as its form shows it, with what was declared when it was handed in last."""
    with database.reading(desk.engine) as connection:
        last = creative_reviews.story(connection, creative.creative_id)
    declared = next((one.said.declared for one in last if one.said.declared), ())
    values = {name: str(getattr(creative, name)) for name in FIELDS if name != "form"}
    return Draft(**values, form=creative.format, declared=declared)


def errors_of(call: Call, error: CatalogError) -> dict[str, str]:
    """What is wrong, by field, in the caller's language."""
    found: dict[str, str] = {}
    for problem in error.problems:
        found.setdefault(problem.field.partition("[")[0], call._(problem.message))
    return found


def story_line(call: Call, entry: creative_reviews.Entry) -> dict[str, object]:
    """A line of a creative's story for a template."""
    said = entry.said
    is_seen = said.verdict is Review.PENDING or call.identity.is_operator
    return {
        "at": entry.at,
        "who": said.who if is_seen else call._(N_("The house")),
        "verdict": call._(REVIEWS[said.verdict]),
        "kind": said.verdict.value,
        "reason": call._(REJECTIONS.get(said.reason, "")) if said.reason else "",
        "words": said.words,
        "declared": [call._(DECLARATIONS[one]) for one in said.declared if one in DECLARATIONS],
    }


def _chosen(
    desk: Desk, market: Market, file: str, icon: str, before: Creative | None = None
) -> Chosen:
    """The files that a form names, as far as they are in this advertiser's library."""
    main = find_upload(desk, market.advertiser_id, file) if file else None
    small = find_upload(desk, market.advertiser_id, icon) if icon else None
    poster = None
    if main is not None and main.file.poster:
        with database.reading(desk.engine) as connection:
            poster = media_files.files(connection, [main.file.poster]).get(main.file.poster)
    files = Files(main.file if main else None, small.file if small else None, poster)
    return Chosen(files, before)


def _form(
    desk: Desk, call: Call, market: Market, wanted: tuple[Draft, Chosen], errors: dict[str, str],
    status: int,
) -> Html:  # fmt: skip
    draft, chosen = wanted
    before, main = chosen.before, chosen.files.main
    values = {
        "base": base(call),
        "held": market.held,
        "draft": draft,
        "creative": before,
        "file": main.sha256 if main else "",
        "picture": _picture(desk, call, chosen),
        "small": picture_of_file(chosen.files.icon) if chosen.files.icon else None,
        "icon_file": chosen.files.icon.sha256 if chosen.files.icon else "",
        "fits": _fits(call, market, chosen),
        "items": [("", call._(N_("Choose a line item"))), *_items(market, before)],
        "icons": [("", call._(N_("No icon"))), *_icons(desk, market)],
        "landings": [(kind.value, call._(name)) for kind, name in LANDINGS.items()],
        "declarations": [(key, call._(text)) for key, text in DECLARATIONS.items()],
        "errors": errors,
    }
    return Html("creatives/form.html", values, status)


def _picture(desk: Desk, call: Call, chosen: Chosen) -> Picture | None:
    if chosen.files.main is not None:
        return picture_of_file(chosen.files.main)
    face: Face | None = face_of(desk.settings, chosen.before, call._) if chosen.before else None
    return face.picture if face else None


def _fits(call: Call, market: Market, chosen: Chosen) -> list[Fit]:
    """The formats to choose from: all for a new file, only its own for one that stays."""
    main = chosen.files.main
    if main is not None:
        return fits_of(main, market, call._)
    if chosen.before is None:
        return []
    form = chosen.before.format
    size = f"{chosen.before.w} x {chosen.before.h}" if chosen.before.w else ""
    return [Fit(form.value, call._(FORMATS[form]), size, "")]


def _items(market: Market, before: Creative | None) -> list[tuple[str, str]]:
    kept = before.line_item_id if before else ""
    named: list[LineItem] = [one for one in market.held.line_items if one.line_item_id == kept]
    named += [one for one in market.line_items() if one.line_item_id != kept]
    return [(one.line_item_id, f"{one.name} · {one.line_item_id}") for one in named]


def _icons(desk: Desk, market: Market) -> list[tuple[str, str]]:
    with database.reading(desk.engine) as connection:
        uploads = media_files.uploads_of(
            connection, market.advertiser_id, limit=_MOST_ICONS, before=None
        )
    square = [one for one in uploads if icon_misfit(drafts.measures_of(one.file)) is None]
    return [(one.file.sha256, f"{one.name} ({one.file.w} x {one.file.h})") for one in square]
