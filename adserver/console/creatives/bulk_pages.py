"""The page of the bulk upload: what to bring, an example to start from, and what is wrong by row.

Never here: the work (`bulk`).
"""

from adserver.console.creatives import bulk
from adserver.console.creatives.creative_pages import base
from adserver.console.creatives.owned import Market, market_of
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Download, Html, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.tables import csv_text
from adserver.media.limits import MOST_UPLOAD_BYTES, MOST_ZIP_FILES

MEANINGS = {
    "file": N_("The file's name in the archive. Needed."),
    "line_item_id": N_("The line item that shows it. Needed."),
    "format": N_("splash, banner, native, interstitial or rewarded_video. Needed."),
    "landing_url": N_("What a tap opens. Needed."),
    "title": N_("The headline; native ads need one."),
    "description": N_("The text below it."),
    "cta": N_("The words on the button."),
    "landing_kind": N_("web, deeplink or download; web when left empty."),
    "fallback_url": N_("A web page for phones that cannot open a deep link."),
    "icon": N_("The name of a square picture in the archive."),
    "declared": N_(
        "yes: the label's corner is free and no close button is shown. Needed for splash."
    ),
}


def page(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/creatives/bulk`."""
    return _shown(call, market_of(desk, call), (), 200)


def take(desk: Desk, call: Call) -> Reply:
    """`POST /advertisers/{advertiser_id}/creatives/bulk`."""
    market = market_of(desk, call)
    archives = call.files.get("archive", ())
    if len(archives) != 1:
        missing = bulk.Fault(0, "", call._(N_("Choose one ZIP archive.")))
        return _shown(call, market, (missing,), 422)
    try:
        bulk.take(desk, call, market, archives[0].path)
    except bulk.BulkRefusedError as refused:
        return _shown(call, market, refused.faults, 422)
    return See(f"{base(call)}?state=pending", N_("All are taken and wait for review."))


def example(desk: Desk, call: Call) -> Download:
    """`GET /advertisers/{advertiser_id}/creatives/example.csv`: with a line item of its own."""
    items = market_of(desk, call).line_items()
    item = items[0].line_item_id if items else "li_..."
    row = {
        "file": "spring.png",
        "line_item_id": item,
        "format": "splash",
        "landing_url": "https://shop.example/spring",
        "title": "Spring",
        "declared": "yes",
    }
    text = csv_text(bulk.COLUMNS, [[row.get(name, "") for name in bulk.COLUMNS]])
    return Download(text.encode("utf-8-sig"), "text/csv; charset=utf-8", "creatives.csv")


def _shown(call: Call, market: Market, faults: tuple[bulk.Fault, ...], status: int) -> Html:
    values = {
        "base": base(call),
        "held": market.held,
        "faults": faults,
        "columns": [(name, call._(MEANINGS[name])) for name in bulk.COLUMNS],
        "items": [(one.line_item_id, one.name) for one in market.line_items()],
        "most_files": MOST_ZIP_FILES,
        "most_bytes": MOST_UPLOAD_BYTES,
    }
    return Html("creatives/bulk.html", values, status)
