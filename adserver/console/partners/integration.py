"""The integration check: the last requests of an app, the refused ones in words, what to do next.

Never here: the requests themselves (`eventlog.app_requests`, `stores.refusals`). The one surprising
fact: a request with an unknown key belongs to no app, so it can be shown nowhere; a check that
stays empty while the app asks means exactly that.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from adserver.console.desk import Desk
from adserver.console.partners.apps import placements_of
from adserver.console.web.language import N_
from adserver.eventlog.app_requests import Asked, Traffic, last_requests, traffic
from adserver.ports import StoreAwayError
from adserver.stores.refusals import Refusal
from models.domain.placement import App

LOOK_BACK = timedelta(days=1)
SHOWN = 20
Say = Callable[[str], str]
_WRONG_TYPE = re.compile(r"Expected `([a-z]+)[^`]*`, got `([a-z]+)[^`]*`")

TYPES = {
    "str": N_("a text"),
    "int": N_("a whole number"),
    "float": N_("a number"),
    "bool": N_("true or false"),
    "array": N_("a list"),
    "object": N_("an object"),
    "null": N_("nothing"),
}
REFUSALS = {
    "no such placement": N_("The placement in it does not exist. Copy its id from the app's page."),
    "this placement belongs to another app": N_(
        "The placement in it belongs to another app than the key."
    ),
    "this app is switched off": N_("The app is archived, so it gets no ads."),
    "the operator has switched this app off": N_("The house has switched this app off."),
    "all ads are switched off for now": N_("The house has switched all ads off for now."),
    "this key was rotated: send the app's present key": N_(
        "It carried a key that was rotated away. Put the present key into the app."
    ),
    "send Content-Type: application/json in UTF-8": N_(
        "Its Content-Type is not application/json in UTF-8."
    ),
    "the body is not JSON in UTF-8": N_("Its body is not JSON in UTF-8."),
    "send the body uncompressed": N_("Its body is compressed; send it as it is."),
    "the body is nested too deeply": N_("Its body is nested too deeply."),
}
NO_AD = {
    "nothing_live": N_("No campaign is running for this kind of slot at the moment."),
    "floor": N_("All bids were below the floor of the placement."),
    "frequency_cap": N_("This user has seen all that fits often enough."),
    "pacing": N_("What fits is saving its budget for later in the day."),
    "daily_budget": N_("What fits has used its budget of the day."),
    "total_budget": N_("What fits has used its whole budget."),
    "size": N_("No creative has a size that the placement takes."),
    "format": N_("No campaign has a creative of this format."),
    "placement_inactive": N_("The placement is archived."),
    "blocked_advertiser": N_("What fits is from advertisers that you block."),
    "blocked_category": N_("What fits is of categories that you block."),
    "switched_off": N_("The house has switched off what fits."),
    "user_not_loaded": N_("The user store did not answer in time."),
}


@dataclass(frozen=True, slots=True)
class Check:
    """What is known of an app's requests. None: what keeps it does not answer at the moment."""

    traffic: Traffic | None
    requests: tuple[Asked, ...]
    refusals: tuple[Refusal, ...] | None


def check_of(desk: Desk, app: App, now: datetime) -> Check:
    """The requests of the last day."""
    places = [one.placement_id for one in placements_of(desk, app, archived=True)]
    refused = desk.refusals(app.app_id)
    kept = None if refused is None else tuple(refused)
    if not desk.is_ready():
        return Check(None, (), kept)
    since = now - LOOK_BACK
    try:
        requests = tuple(last_requests(desk.store, places, since, SHOWN))
        return Check(traffic(desk.store, places, since), requests, kept)
    except StoreAwayError:
        return Check(None, (), kept)


def refusal_in_words(refusal: Refusal, say: Say) -> str:
    """Why a request was refused, as one says it: "user.yob is a text, and must be a number"."""
    field = refusal.field.strip("/").replace("/", ".")
    if known := REFUSALS.get(refusal.detail):
        return say(known)
    if refusal.detail.startswith("Object missing required field"):
        return say(N_("%(field)s is missing.")) % {"field": field}
    wrong = _WRONG_TYPE.match(refusal.detail)
    if wrong and field:
        wanted, got = (say(TYPES[one]) if one in TYPES else one for one in wrong.groups())
        text = say(N_("%(field)s is %(got)s, and must be %(wanted)s."))
        return text % {"field": field, "got": got, "wanted": wanted}
    return f"{field}: {refusal.detail}" if field else refusal.detail


def outcome_in_words(asked: Asked, say: Say) -> str:
    """What came of a request."""
    if asked.ads:
        return say(N_("Ads answered: %(count)s")) % {"count": asked.ads}
    why = NO_AD.get(asked.reason)
    return say(why) if why else say(N_("No ad: what there was is for other users or places."))


def moment_of(refusal: Refusal) -> datetime:
    """When it was refused."""
    return datetime.fromtimestamp(refusal.at_ms / 1000, UTC)


def advice(check: Check, say: Say) -> list[str]:
    """What to do next, the most urgent first."""
    said = []
    seen = check.traffic
    if seen is None:
        return [say(N_("The event log does not answer at the moment; come again in a minute."))]
    if check.refusals:
        said.append(
            say(N_("Some requests were refused: the list below says what is wrong with them."))
        )
    if not seen.requests:
        text = N_(
            "No request has arrived in the last 24 hours. Paste a snippet and run it. If it runs"
            " and nothing appears here, its key is not this app's: unknown keys belong to nobody."
        )
        return [*said, say(text)]
    if seen.tests == seen.requests:
        text = N_("All requests were tests, which earn nothing. Take the line with test out.")
        said.append(say(text))
    if seen.filled and not seen.impressions and seen.tests < seen.requests:
        text = N_(
            "Ads were answered and none was reported as shown. Call every address in"
            " trackers.impression as soon as the ad is on screen: that is what earns."
        )
        said.append(say(text))
    if not seen.user_known:
        text = N_(
            "No request names a user. With user.id or an advertising id, ads fit better and are"
            " not repeated too often."
        )
        said.append(say(text))
    return said or [say(N_("Everything works."))]
