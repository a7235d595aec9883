"""The library: drop files, see what was found out about each, go on to a creative.

Never here: looking into files (`intake`). The one surprising fact: the answer to an upload is the
page itself and not a redirect, for a refused file is kept nowhere that another page could ask.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from adserver.console.creatives.hints import alike_in_library
from adserver.console.creatives.intake import Taken, take_all
from adserver.console.creatives.owned import Market, find_upload, market_of
from adserver.console.creatives.shown import Fit, Picture, fits_of, kind_name, picture_of_file
from adserver.console.creatives.wording import Say, cleaned_in_words, refusal_in_words
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html
from adserver.media.limits import MOST_BYTES
from adserver.media.verdict import FileKind
from adserver.stores import database, media_files
from adserver.stores.media_files import Upload

SHOWN = 48
TEMPLATE = "creatives/library.html"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a page says of one uploaded file."""

    name: str
    why_not: str = ""
    upload: Upload | None = None
    picture: Picture | None = None
    kind: str = ""
    fits: tuple[Fit, ...] = ()
    cleaned: tuple[str, ...] = ()
    alike: tuple[Upload, ...] = ()


def page(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/creatives/files`."""
    return _shown(desk, call, market_of(desk, call), [], 200)


def take(desk: Desk, call: Call) -> Html:
    """`POST /advertisers/{advertiser_id}/creatives/files`: 422 when nothing was taken."""
    market = market_of(desk, call)
    incoming = [(one.name, one.path) for one in call.files.get("files", ())]
    if not incoming:
        return _shown(desk, call, market, [], 422)
    taken = take_all(desk, market.advertiser_id, call.identity, incoming, call.now)
    verdicts = [verdict_of(desk, market, one, call._) for one in taken]
    status = 200 if any(one.upload for one in taken) else 422
    return _shown(desk, call, market, verdicts, status)


def verdict_of(desk: Desk, market: Market, taken: Taken, say: Say) -> Verdict:
    """A file's verdict in words, with the formats it fits and the files that look like it."""
    if taken.refused is not None:
        return Verdict(taken.name, refusal_in_words(taken.refused, say))
    if taken.upload is None:
        return Verdict(taken.name)
    file = taken.upload.file
    with database.reading(desk.engine) as connection:
        alike = alike_in_library(connection, market.advertiser_id, file.sha256)
    twins = [find_upload(desk, market.advertiser_id, sha256) for sha256 in alike]
    return Verdict(
        taken.name,
        "",
        taken.upload,
        picture_of_file(file),
        kind_name(file.extension),
        tuple(fits_of(file, market, say)),
        tuple(cleaned_in_words(taken.upload.cleaned, say)),
        tuple(one for one in twins if one is not None),
    )


def _shown(desk: Desk, call: Call, market: Market, verdicts: list[Verdict], status: int) -> Html:
    with database.reading(desk.engine) as connection:
        uploads = media_files.uploads_of(
            connection, market.advertiser_id, limit=SHOWN + 1, before=_before(call)
        )
    limits = [(kind_name(kind), most) for kind, most in MOST_BYTES.items()]
    values = {
        "base": f"/advertisers/{market.advertiser_id}/creatives",
        "for_item": _for_item(call),
        "held": market.held,
        "verdicts": verdicts,
        "missing": status == 422 and not verdicts,
        "uploads": [(one, picture_of_file(one.file)) for one in uploads[:SHOWN]],
        "next_href": _next_href(market, uploads),
        "limits": limits,
        "accept": ",".join(f".{kind}" for kind in FileKind),
    }
    return Html(TEMPLATE, values, status)


def _for_item(call: Call) -> str:
    """The line item that the file is to be for, as a part of further addresses."""
    wanted = call.query.get("line_item_id", "")
    return urlencode({"line_item_id": wanted}) if wanted else ""


def _before(call: Call) -> tuple[datetime, str] | None:
    at, _, sha256 = call.query.get("before", "").partition("~")
    try:
        return datetime.fromisoformat(at).astimezone(UTC), sha256
    except (ValueError, OverflowError):
        return None


def _next_href(market: Market, uploads: list[Upload]) -> str:
    if len(uploads) <= SHOWN:
        return ""
    last = uploads[SHOWN - 1]
    moment = last.uploaded_at.isoformat().replace("+", "%2B")
    path = f"/advertisers/{market.advertiser_id}/creatives/files"
    return f"{path}?before={moment}~{last.file.sha256}"
