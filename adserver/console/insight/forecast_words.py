"""What a forecast says, as texts to translate.

Never here: numbers. The one surprising fact: a limit has two texts, what it does and what would
loosen it, because a limit that the advertiser wants (a frequency cap) needs no advice.
"""

from adserver.console.web.language import N_
from adserver.reports.bidding import LimitKind
from adserver.reports.forecast import Trouble
from models.domain.campaign import PricingModel

BIDS = {
    PricingModel.CPM: N_("Bid for 1,000 impressions"),
    PricingModel.CPC: N_("Bid for a click"),
    PricingModel.CPA: N_("Bid for a conversion"),
    PricingModel.CPS: N_("Commission expected of a sale"),
}
OTHER_BID = N_("Bid")

LIMITS = {
    LimitKind.TARGETING: N_("Targeting lets %(share)s of the requests of its placements through."),
    LimitKind.FLOOR: N_(
        "The bid wins %(share)s of the requests that match; most others are lost to floor prices."
    ),
    LimitKind.BID: N_(
        "The bid wins %(share)s of the requests that match; most others go to higher bids."
    ),
    LimitKind.FREQUENCY_CAP: N_(
        "The frequency cap leaves %(share)s of the impressions that the bid could win."
    ),
    LimitKind.DAILY_BUDGET: N_("The daily budget pays for %(share)s of what the bid could win."),
    LimitKind.TOTAL_BUDGET: N_(
        "The total budget, spread over the days of the flight, pays for %(share)s of what the bid"
        " could win."
    ),
}
ADVICE = {
    LimitKind.TARGETING: N_("Drop a rule, or list more values, to reach more people."),
    LimitKind.FLOOR: N_("A bid above the floors would be let in; the curve shows where."),
    LimitKind.BID: N_("A higher bid would win more often; the curve shows how much."),
    LimitKind.FREQUENCY_CAP: N_("A looser cap or a wider audience would let it run more."),
    LimitKind.DAILY_BUDGET: N_("More budget would let it run all day; a lower bid, too."),
    LimitKind.TOTAL_BUDGET: N_("More budget, or fewer days, would let it run more each day."),
}
NO_LIMIT = N_("Nothing holds it back: it would win nearly every request that matches.")

TROUBLES = {
    Trouble.NO_CREATIVE: N_("There is nothing to show yet. Add a creative first."),
    Trouble.NO_PLACEMENT: N_(
        "No placement would take it: look at the formats and sizes of its creatives, at the"
        " targeting of placements and app categories, and at what apps block."
    ),
    Trouble.NO_REQUESTS: N_(
        "The log knows no ad request of the last week for these placements. As soon as apps ask"
        " for ads, a forecast stands here."
    ),
    Trouble.NOBODY_MATCHES: N_(
        "Of all requests of the last week none matched this targeting. Check the spelling of what"
        " is included, or include more."
    ),
    Trouble.LITTLE_TIME: N_(
        "The log began only %(hours)s h ago, so a whole day may look quite different."
    ),
    Trouble.FEW_REQUESTS: N_(
        "It rests on %(requests)s requests only; take it as a hint, not as a figure."
    ),
    Trouble.FEW_CLICKS: N_(
        "So far there were %(clicks)s clicks in these placements, so how often people click is"
        " little more than a guess."
    ),
}
ASSUMED = N_("It has no creative yet. This is what creatives of every format could get together.")
AWAY = N_("The event log does not answer at the moment, so there is no forecast. Try again soon.")
RESTS_ON = N_(
    "From the requests of the last %(days)s days, up to %(as_of)s. Four of five days should lie"
    " within the ranges."
)
RESTS_ON_LESS = N_(
    "From the requests of %(minutes)s minutes, up to %(as_of)s. Four of five days should lie"
    " within the ranges."
)
SAMPLED = N_("One request in %(one_in)s was looked at.")
LASTS = N_("At this rate the total budget lasts for %(days)s days.")

WON = N_("the bid wins %(share)s of them")
EXPECTED = N_("expected: %(low)s to %(high)s")
CURVE_TITLE = N_("Impressions a day over bids")
CURVE_SAYS = N_("The dashed line marks the bid that is set.")
SPEND_TITLE = N_("Spend a day over bids")
