"""Why a line item does not run or was not shown, as texts to translate.

Never here: which of them hold (`reports.explaining`). The one surprising fact: the keys of
`REASONS` are the engine's own reasons, spelled out because the console never imports the engine; a
test holds the two together.
"""

from typing import NamedTuple

from adserver.console.web.language import N_
from adserver.reports.explaining import Obstacle


class Words(NamedTuple):
    """A sentence, and where something can be done about it: what the link says, its last part.

    `target` "" is the line item's own page; "/..." begins at the advertiser's pages.
    """

    text: str
    action: str = ""
    target: str = ""


OBSTACLES: dict[Obstacle, Words] = {
    Obstacle.SWITCHED_OFF: Words(
        N_("The house has switched it off for now. Ask your contact what for.")
    ),
    Obstacle.ARCHIVED: Words(N_("It is archived."), N_("Restore it")),
    Obstacle.CAMPAIGN_ARCHIVED: Words(N_("Its campaign is archived."), N_("Look"), "campaign"),
    Obstacle.ADVERTISER_ARCHIVED: Words(N_("The advertiser is archived. Ask your contact.")),
    Obstacle.PAUSED: Words(N_("It is paused."), N_("Resume it")),
    Obstacle.CAMPAIGN_PAUSED: Words(N_("Its campaign is paused."), N_("Look"), "campaign"),
    Obstacle.ENDED: Words(N_("Its flight is over."), N_("Change the dates"), "edit"),
    Obstacle.NOT_BEGUN: Words(N_("Its flight has not begun."), N_("Change the dates"), "edit"),
    Obstacle.NO_MONEY: Words(
        N_("The balance is used up. It goes on as soon as money is in."),
        N_("Top up"),
        "/balance",
    ),
    Obstacle.NOT_SOLD: Words(
        N_("The engine does not sell this pricing model yet."), N_("Choose another"), "edit"
    ),
    Obstacle.NO_BID: Words(
        N_("Its bid comes to nothing for one billable event."), N_("Raise the bid"), "edit"
    ),
    Obstacle.NO_PRODUCT: Words(N_("Its product cannot be sold at the moment.")),
    Obstacle.NO_CREATIVE: Words(
        N_("It has no creative, so there is nothing to show."), N_("Add a creative"), "/creatives"
    ),
    Obstacle.IN_REVIEW: Words(
        N_("Its creatives wait for review."), N_("See the creatives"), "/creatives"
    ),
    Obstacle.REJECTED: Words(
        N_("All of its creatives were rejected."), N_("See the reasons"), "/creatives"
    ),
    Obstacle.NO_PLACEMENT: Words(
        N_(
            "No placement takes it: look at the formats and sizes of its creatives, at the"
            " targeting of placements and app categories, and at what apps block."
        ),
        N_("Change the targeting"),
        "edit",
    ),
    Obstacle.TOTAL_SPENT: Words(N_("Its total budget is spent."), N_("Raise the budget"), "edit"),
    Obstacle.TODAY_SPENT: Words(
        N_("The budget of today is spent. It goes on after midnight in your time zone."),
        N_("Raise the budget"),
        "edit",
    ),
}
CAN_RUN = N_("Nothing keeps it from running.")
CANNOT_RUN = N_("It cannot run now.")

REASONS: dict[str, str] = {
    "won": N_("It was shown"),
    "switched_off": N_("The house had switched it off"),
    "placement_inactive": N_("The placement or its app was switched off"),
    "format": N_("The placement shows another format than its creatives have"),
    "size": N_("The placement takes other sizes than its creatives have"),
    "blocked_advertiser": N_("The app or the placement blocks this advertiser"),
    "blocked_category": N_("The app or the placement blocks a category of this advertiser"),
    "country": N_("The country is not targeted, or not known"),
    "region": N_("The region is not targeted, or not known"),
    "city": N_("The city is not targeted, or not known"),
    "os": N_("The operating system is not targeted, or not known"),
    "os_version": N_("The version of the system is not targeted, or not known"),
    "make": N_("The make of the device is not targeted, or not known"),
    "device_type": N_("The kind of device is not targeted, or not known"),
    "connection": N_("The connection is not targeted, or not known"),
    "carrier": N_("The carrier is not targeted, or not known"),
    "language": N_("The language is not targeted, or not known"),
    "gender": N_("The gender is not targeted, or not known"),
    "age": N_("The age is not targeted, or not known"),
    "interest": N_("The interests are not targeted, or not known"),
    "app_category": N_("The app's category is not targeted"),
    "placement": N_("The placement is not targeted"),
    "flight": N_("Its flight had not begun, or was over"),
    "hour_of_week": N_("The hour of the week is not targeted"),
    "user_unknown": N_("It has a frequency cap, and the request named no user to count for"),
    "user_not_loaded": N_("It has a frequency cap, and the user store did not answer in time"),
    "frequency_cap": N_("The user had seen it as often as a frequency cap allows"),
    "spend_unknown": N_("It has a budget, and the store of spend was away"),
    "daily_budget": N_("Its budget for the day was spent, or promised to ads just served"),
    "total_budget": N_("Its total budget was spent, or promised to ads just served"),
    "pacing": N_("It was ahead of its plan for the day, and waited"),
    "floor": N_("What it was worth was below the floor price of the placement"),
    "unaffordable": N_("What was left of its budget would not have paid for one more ad"),
    "same_advertiser": N_("Another line item of the same advertiser took the place"),
    "outbid": N_("Others were worth more"),
    "nothing_live": N_("Nothing was live"),
}

ADVICE: dict[str, str] = {
    "user_unknown": N_("Apps should send user.id, or this line item do without caps."),
    "user_not_loaded": N_("This is on our side and passes; if it stays, tell your contact."),
    "frequency_cap": N_("A looser cap or a wider audience would let it run more."),
    "spend_unknown": N_("This is on our side and passes; if it stays, tell your contact."),
    "daily_budget": N_("More daily budget, or even pacing, would keep it running all day."),
    "total_budget": N_("More total budget would let it go on."),
    "pacing": N_("This is even pacing at work. More budget lets it run more often."),
    "floor": N_("A higher bid, or creatives that are clicked more, would pass the floor."),
    "unaffordable": N_("More budget would let it go on."),
    "outbid": N_("A higher bid, or creatives that are clicked more, would win more often."),
    "hour_of_week": N_("Hours are those of the advertiser's time zone."),
}
TARGETING_ADVICE = N_("Include more, or drop the rule, where these requests would be welcome.")
TARGETED = frozenset({
    "country", "region", "city", "os", "os_version", "make", "device_type", "connection", "carrier",
    "language", "gender", "age", "interest", "app_category", "placement",
})  # fmt: skip

SPANS = {
    "1h": N_("Last hour"),
    "24h": N_("Last 24 hours"),
    "7d": N_("Last 7 days"),
}
