"""The same for programs: files, creatives, bulk uploads, verdicts.

Never here: rules. The one surprising fact: a file is uploaded alone, by one call, so that its
refusal is that call's problem; the pages take several at once.
"""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from adserver.api.problems import BadRequestError, NotFoundError, UnprocessableError
from adserver.console.buyer_desk import own
from adserver.console.creatives import bulk, drafts, saving
from adserver.console.creatives.answers import (
    BulkOut,
    CreativeChange,
    CreativeOut,
    FileOut,
    NewCreative,
    VerdictIn,
    WaitingOut,
    creative_out,
    file_out,
    review_out,
)
from adserver.console.creatives.drafts import Draft, Files
from adserver.console.creatives.intake import take_all
from adserver.console.creatives.owned import (
    Market,
    find_upload,
    market_of,
    own_creative,
    own_upload,
)
from adserver.console.creatives.wording import DECLARATIONS, REJECTIONS, refusal_in_words
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Listed
from adserver.stores import creative_reviews, database, media_files
from adserver.stores.creative_reviews import Said
from models.domain.campaign import Creative, Review
from models.domain.placement import Format

MOST_FAULTS = 20


def list_files(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/advertisers/{advertiser_id}/files`, the newest first."""
    owner = own(desk, call).advertiser.advertiser_id
    at, _, sha256 = call.cursor.partition("~")
    before = (_moment(at), sha256) if call.cursor else None
    with database.reading(desk.engine) as connection:
        found = media_files.uploads_of(connection, owner, limit=call.limit + 1, before=before)
    shown = found[: call.limit]
    last = f"{shown[-1].uploaded_at.isoformat()}~{shown[-1].file.sha256}" if shown else ""
    items = [file_out(desk.settings, one) for one in shown]
    return Listed(items, last if len(found) > call.limit else "")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequestError("this is no cursor of ours", "/cursor") from None


def add_file(desk: Desk, call: Call) -> FileOut:
    """`POST /api/v1/advertisers/{advertiser_id}/files`."""
    owner = own(desk, call).advertiser.advertiser_id
    sent = call.files.get("file", ())
    if len(sent) != 1:
        raise UnprocessableError("send one file in the part named file", "/file")
    (taken,) = take_all(desk, owner, call.identity, [(sent[0].name, sent[0].path)], call.now)
    if taken.upload is None:
        why = taken.refused
        raise UnprocessableError(refusal_in_words(why, call._) if why else "", "/file")
    return file_out(desk.settings, taken.upload)


def get_file(desk: Desk, call: Call) -> FileOut:
    """`GET /api/v1/advertisers/{advertiser_id}/files/{sha256}`."""
    owner = own(desk, call).advertiser.advertiser_id
    return file_out(desk.settings, own_upload(desk, owner, call.params["sha256"]))


def list_creatives(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/advertisers/{advertiser_id}/creatives`, by id."""
    wanted, state = call.query.get("line_item_id", ""), call.query.get("review", "")
    found = [
        one
        for one in own(desk, call).creatives
        if one.creative_id > call.cursor
        and (not wanted or one.line_item_id == wanted)
        and (not state or one.review == state)
    ]
    shown = found[: call.limit]
    more = shown[-1].creative_id if len(found) > call.limit else ""
    return Listed([creative_out(one) for one in shown], more)


def get_creative(desk: Desk, call: Call) -> CreativeOut:
    """`GET /api/v1/advertisers/{advertiser_id}/creatives/{creative_id}`."""
    return creative_out(own_creative(own(desk, call), call))


def add_creative(desk: Desk, call: Call) -> CreativeOut:
    """`POST /api/v1/advertisers/{advertiser_id}/creatives`."""
    given: NewCreative = call.data
    market = market_of(desk, call)
    draft = Draft(
        given.line_item_id, given.format, given.landing_url, given.landing_kind,
        given.fallback_url, given.title, given.description, given.cta,
        _declared(given.declared, given.format),
    )  # fmt: skip
    files = _files(desk, market, given.file, given.icon)
    creative = drafts.built(draft, files, market, call._)
    whole = drafts.with_assets(creative, files, desk.settings.media_base_url)
    saving.hand_in(desk, call.identity, [(whole, draft.declared)], call.now)
    return creative_out(whole)


def change_creative(desk: Desk, call: Call) -> CreativeOut:
    """`PATCH /api/v1/advertisers/{advertiser_id}/creatives/{creative_id}`."""
    given: CreativeChange = call.data
    market = market_of(desk, call)
    before = own_creative(market.held, call)
    files = _files(desk, market, given.file or "", given.icon or "")
    declared = _declared(given.declared, before.format)
    changes = {
        name: value
        for name, value in msgspec.structs.asdict(given).items()
        if value is not None and name not in {"file", "icon", "declared"}
    }

    def edited(now: Creative) -> Creative:
        draft = replace(_draft_of(now), **changes, declared=declared)
        made = drafts.built(draft, files, market, call._, now)
        return drafts.with_assets(made, files, desk.settings.media_base_url)

    owner = call.identity
    return creative_out(saving.change(desk, owner, before.creative_id, edited, declared, call.now))


def _draft_of(creative: Creative) -> Draft:
    return Draft(
        creative.line_item_id, creative.format, creative.landing_url, creative.landing_kind,
        creative.fallback_url, creative.title, creative.description, creative.cta,
    )  # fmt: skip


def _declared(given: list[str], form: str) -> tuple[str, ...]:
    return tuple(one for one in DECLARATIONS if one in given and form == Format.SPLASH)


def _files(desk: Desk, market: Market, main: str, icon: str) -> Files:
    """The files that a call names.

    Raises:
        UnprocessableError: one is not in this advertiser's library.
    """
    found = {}
    for name, sha256 in (("file", main), ("icon", icon)):
        upload = find_upload(desk, market.advertiser_id, sha256) if sha256 else None
        if sha256 and upload is None:
            raise UnprocessableError("there is no such file in this library", f"/{name}")
        found[name] = upload.file if upload else None
    film = found["file"]
    poster = None
    if film is not None and film.poster:
        with database.reading(desk.engine) as connection:
            poster = media_files.files(connection, [film.poster]).get(film.poster)
    return Files(film, found["icon"], poster)


def archive_creative(desk: Desk, call: Call) -> CreativeOut:
    """`POST /api/v1/advertisers/{advertiser_id}/creatives/{creative_id}/archive`."""
    return _put_away(desk, call, active=False)


def restore_creative(desk: Desk, call: Call) -> CreativeOut:
    """`POST /api/v1/advertisers/{advertiser_id}/creatives/{creative_id}/restore`."""
    return _put_away(desk, call, active=True)


def _put_away(desk: Desk, call: Call, *, active: bool) -> CreativeOut:
    creative = own_creative(own(desk, call), call)
    catalog = desk.catalog.acting_for(call.identity)
    change = catalog.restore if active else catalog.archive
    return creative_out(change(Creative, creative.creative_id, call.now))


def list_reviews(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/advertisers/{advertiser_id}/creatives/{creative_id}/reviews`, newest first."""
    creative = own_creative(own(desk, call), call)
    with database.reading(desk.engine) as connection:
        story = creative_reviews.story(connection, creative.creative_id)
    if call.cursor and not call.cursor.isdecimal():
        raise BadRequestError("this is no cursor of ours", "/cursor")
    below = int(call.cursor) if call.cursor else len(story) + 1
    found = [one for one in story if one.number < below]
    shown = found[: call.limit]
    more = str(shown[-1].number) if len(found) > call.limit else ""
    return Listed([review_out(one) for one in shown], more)


def add_bulk(desk: Desk, call: Call) -> BulkOut:
    """`POST /api/v1/advertisers/{advertiser_id}/creatives/bulk`."""
    market = market_of(desk, call)
    sent = call.files.get("archive", ())
    if len(sent) != 1:
        raise UnprocessableError("send one ZIP in the part named archive", "/archive")
    try:
        made = bulk.take(desk, call, market, sent[0].path)
    except bulk.BulkRefusedError as refused:
        said = "; ".join(map(str, refused.faults[:MOST_FAULTS]))
        raise UnprocessableError(said, "/archive") from None
    return BulkOut([creative_out(one) for one in made])


def list_waiting(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/reviews`: what waits, the longest first."""
    with database.reading(desk.engine) as connection:
        found = creative_reviews.waiting(connection)
    if call.cursor:
        ids = [str(one.creative.creative_id) for one in found]
        found = found[ids.index(call.cursor) + 1 :] if call.cursor in ids else found
    shown = found[: call.limit]
    more = shown[-1].creative.creative_id if len(found) > call.limit else ""
    items = [
        WaitingOut(
            one.advertiser_id,
            saving.version_of(one.creative),
            creative_out(one.creative),
            list(one.entry.said.declared) if one.entry else [],
            one.entry.at if one.entry else None,
        )
        for one in shown
    ]
    return Listed(items, more)


def add_verdict(desk: Desk, call: Call) -> CreativeOut:
    """`POST /api/v1/house/reviews/{creative_id}`."""
    given: VerdictIn = call.data
    if given.reason and given.reason not in REJECTIONS:
        raise UnprocessableError(f"one of {', '.join(REJECTIONS)}", "/reason")
    creative_id = call.params["creative_id"]
    if not any(one.creative_id == creative_id for one in desk.catalog.find(Creative)):
        raise NotFoundError("there is no such creative")
    said = Said(call.identity.actor, Review(given.verdict), given.reason, given.words)
    return creative_out(
        saving.decide(desk, call.identity, creative_id, given.version, said, call.now)
    )
