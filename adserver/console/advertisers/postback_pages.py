"""Postback settings: keys, an example, a real test; and the advertiser's own settings.

Never here: counting conversions. The one surprising fact: keys are shown in the answer to a form
and never on a page that has an address, so no history or screenshot of a link leads to them.
"""

from dataclasses import replace
from typing import Any

from adserver.console.advertisers import postbacks
from adserver.console.advertisers.campaign_pages import SAVED
from adserver.console.advertisers.postbacks import Tried
from adserver.console.advertisers.refusals import by_field, said
from adserver.console.buyer_desk import own
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html, Reply, See
from adserver.console.web.language import N_
from adserver.marketplace.buying import ADVERTISER
from adserver.marketplace.problem import CatalogError
from models.domain.campaign import Advertiser

ROTATED = N_("New keys are in force within two seconds. The old ones stop working then.")
SETTINGS = ("name", "domain", "time_zone")


def show(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/postbacks`."""
    return _page(desk, own(desk, call).advertiser)


def reveal(desk: Desk, call: Call) -> Html:
    """`POST /advertisers/{advertiser_id}/postbacks/show`: the keys in clear, this once."""
    return _page(desk, own(desk, call).advertiser, shown=True)


def rotate(desk: Desk, call: Call) -> See:
    """`POST /advertisers/{advertiser_id}/postbacks/rotate`."""
    changed = postbacks.rotate(desk, call, own(desk, call).advertiser)
    return See(f"/advertisers/{changed.advertiser_id}/postbacks", ROTATED)


def test(desk: Desk, call: Call) -> Html:
    """`POST /advertisers/{advertiser_id}/postbacks/test`: sends one and shows the answer."""
    advertiser = own(desk, call).advertiser
    tried = postbacks.send_test(postbacks.keys_of(desk, advertiser), call.now)
    return _page(desk, advertiser, tried=tried)


def settings(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/settings`."""
    advertiser = own(desk, call).advertiser
    return _settings(advertiser, _typed(advertiser), {})


def change(desk: Desk, call: Call) -> Reply:
    """`POST /advertisers/{advertiser_id}/settings`: name, domain and time zone.

    Operators also say by what its ads may be blocked, and whether it pays in advance.
    """
    advertiser = own(desk, call).advertiser
    typed = {name: call.form.get(name, "").strip() for name in SETTINGS}
    given: dict[str, Any] = dict(typed)
    if call.identity.is_operator:
        words = call.form.get("categories", "")
        typed |= {"categories": words, "prepaid": call.form.get("prepaid", "")}
        given["categories"] = frozenset(words.replace(",", " ").split())
        given["prepaid"] = bool(typed["prepaid"])
    catalog = desk.catalog.acting_for(call.identity)
    try:
        catalog.edit(
            Advertiser, advertiser.advertiser_id, lambda one: replace(one, **given), call.now
        )
    except CatalogError as error:
        wrong = said(call, by_field(error))
        return _settings(advertiser, {**_typed(advertiser), **typed}, wrong)
    return See(f"/advertisers/{advertiser.advertiser_id}/settings", SAVED)


def _page(
    desk: Desk, advertiser: Advertiser, *, shown: bool = False, tried: Tried | None = None
) -> Html:
    keys = postbacks.keys_of(desk, advertiser)
    values = {
        "advertiser": advertiser,
        "root": f"/advertisers/{advertiser.advertiser_id}",
        "keys": keys,
        "shown": shown,
        "example": postbacks.example(keys, desk.settings.currency, shown=shown),
        "tried": tried,
    }
    return Html("advertisers/postbacks.html", values)


def _settings(advertiser: Advertiser, typed: dict[str, str], errors: dict[str, str]) -> Html:
    values = {
        "advertiser": advertiser,
        "root": f"/advertisers/{advertiser.advertiser_id}",
        "typed": typed,
        "errors": errors,
    }
    return Html("advertisers/settings.html", values, 422 if errors else 200)


def _typed(advertiser: Advertiser) -> dict[str, str]:
    typed = {name: str(getattr(advertiser, name)) for name in SETTINGS}
    categories = ADVERTISER.by_name["categories"].notation.write(advertiser.categories)
    return typed | {
        "categories": ", ".join(categories),
        "prepaid": "1" if advertiser.prepaid else "",
    }
