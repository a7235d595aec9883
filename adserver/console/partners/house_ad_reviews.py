"""Apps' own ads before the house: what waits page by page, and the pages on which it is judged.

Never here: what a verdict does (`house_ads`). The one surprising fact: an ad that is judged leaves
the list, so a page begins behind the last ad that was seen and never at a number.
"""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from msgspec import Struct

from adserver.console.desk import Desk
from adserver.console.partners import house_ads
from adserver.console.partners.house_ads import FormError
from adserver.console.partners.lines import read_cursor
from adserver.console.web.exchange import Call, Download, Html, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.tables import CSV, csv_of
from adserver.stores import database, house_ads as stored
from adserver.stores.house_ads import HouseAd
from models.domain.campaign import Review

PATH = "/house/house-ads"
PAGE_ADS = 20
LONGEST_REASON = 500


class WaitingHouseAd(Struct):
    """An app's own ad that waits for the house's word."""

    house_ad_id: str
    app_id: str
    format: str
    w: int
    h: int
    title: str
    description: str
    cta: str
    landing_url: str
    asset_url: str
    changed_at: datetime


def waiting(desk: Desk, cursor: str, limit: int) -> tuple[Sequence[HouseAd], str]:
    """Those that wait longest, at most `limit` behind a cursor, and the cursor of the next.

    Raises:
        BadRequestError: no cursor of ours.
    """
    with database.reading(desk.engine) as connection:
        found = stored.waiting(connection, limit + 1, read_cursor(cursor))
    shown = found[:limit]
    return shown, _cursor(shown[-1]) if len(found) > limit else ""


def waiting_out(ad: HouseAd) -> WaitingHouseAd:
    """An ad as programs see it."""
    names = WaitingHouseAd.__struct_fields__
    return WaitingHouseAd(**{name: getattr(ad, name) for name in names})


def _cursor(ad: HouseAd) -> str:
    return f"{ad.changed_at.isoformat()} {ad.house_ad_id}"


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/house-ads`."""
    return _page(desk, call, {}, 200)


def as_csv(desk: Desk, _: Call) -> Download:
    """`GET /house/house-ads.csv`: all that wait."""
    with database.reading(desk.engine) as connection:
        found = stored.waiting(connection)
    table = csv_of(WaitingHouseAd, map(waiting_out, found))
    return Download(table.encode(), f"{CSV}; charset=utf-8", "house-ads.csv")


def judge(desk: Desk, call: Call) -> Reply:
    """`POST /house/house-ads/{house_ad_id}`."""
    approves = call.form.get("verdict") == "approve"
    reason = call.form.get("reason", "").strip()[:LONGEST_REASON]
    verdict = (Review.APPROVED, "") if approves else (Review.REJECTED, reason)
    try:
        house_ads.judge(desk, call.params["house_ad_id"], call.identity, verdict, call.now)
    except FormError as error:
        return _page(desk, call, error.errors, 422)
    return See(PATH, N_("The ad is approved.") if approves else N_("The ad is rejected."))


def _page(desk: Desk, call: Call, errors: dict[str, str], status: int) -> Html:
    after = call.query.get("after", "")
    shown, more = waiting(desk, after, PAGE_ADS)
    values = {
        "waiting": shown,
        "asked": f"?{urlencode({'after': after})}" if after else "",
        "next": f"{PATH}?{urlencode({'after': more})}" if more else "",
        "at": call.params.get("house_ad_id", ""),
        "errors": {field: call._(message) for field, message in errors.items()},
    }
    return Html("partners/house_ad_review.html", values, status)
