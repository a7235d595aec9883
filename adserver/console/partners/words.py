"""What reasons, steps and states are called for a partner; each said by `_` in its language.

Never here: a computation. The one surprising fact: every reason has two texts, what it is and what
can be done about it, because a reason alone leaves a partner where it was.
"""

from adserver.console.web.language import N_
from affiliate.attribution import Method, Relation, Unearned
from affiliate.order import Status
from affiliate.payout import Held, State
from affiliate.revenue_share import Shortfall
from affiliate.settlement import Outcome
from affiliate.statement import Item, Section
from models.domain.placement import Format

SECTIONS: dict[Section, str] = {
    Section.ESTIMATED: N_("Estimated"),
    Section.VALIDATED: N_("Validated"),
    Section.MATURED: N_("Ripe for payment"),
    Section.PAYABLE: N_("Payable"),
}
ITEMS: dict[Item, str] = {
    Item.BROUGHT_FORWARD: N_("Open from earlier months"),
    Item.COMMISSIONS: N_("New commissions"),
    Item.SUBSIDIES: N_("Subsidies from funds"),
    Item.AD_SHARES: N_("Shares of ad revenue"),
    Item.GUARANTEES: N_("Guarantee top-ups"),
    Item.CHANGES: N_("Changed orders"),
    Item.CAP: N_("Cap of the contract"),
    Item.REFUNDS: N_("Refunds"),
    Item.CANCELLATIONS: N_("Cancelled orders"),
    Item.INVALID_TRAFFIC: N_("Invalid traffic"),
    Item.RESTATEMENTS: N_("Restated days of ads"),
    Item.CORRECTIONS: N_("Corrections"),
    Item.AFTER_MONTH_END: N_("Told after the month's end"),
    Item.NOT_RECEIVED: N_("Not yet received by the customer"),
    Item.IN_HOLD: N_("Received, hold days not over"),
    Item.NOT_FUNDED: N_("Not yet paid by the merchant"),
    Item.PAYABLE_BROUGHT_FORWARD: N_("Payable from earlier months"),
    Item.PAID_OUT: N_("Paid out"),
    Item.PAYABLE_CORRECTIONS: N_("Corrections of what is payable"),
    Item.OVERPAID_BROUGHT_FORWARD: N_("Overpaid, from earlier months"),
    Item.OVERPAID: N_("Refunds of what was payable already"),
    Item.OVERPAID_CARRIED_FORWARD: N_("Overpaid, carried to the next month"),
}
ON_PLOTS: dict[Item | Section, str] = {
    Section.ESTIMATED: N_("Estimated"),
    Section.VALIDATED: N_("Validated"),
    Section.MATURED: N_("Ripe"),
    Section.PAYABLE: N_("Payable"),
    Item.BROUGHT_FORWARD: N_("Earlier"),
    Item.COMMISSIONS: N_("Sales"),
    Item.SUBSIDIES: N_("Subsidies"),
    Item.AD_SHARES: N_("Ads"),
    Item.GUARANTEES: N_("Guarantee"),
    Item.CHANGES: N_("Changed"),
    Item.CAP: N_("Cap"),
    Item.REFUNDS: N_("Refunds"),
    Item.CANCELLATIONS: N_("Cancelled"),
    Item.INVALID_TRAFFIC: N_("Invalid"),
    Item.RESTATEMENTS: N_("Restated"),
    Item.CORRECTIONS: N_("Corrected"),
    Item.AFTER_MONTH_END: N_("Told later"),
    Item.NOT_RECEIVED: N_("Under way"),
    Item.IN_HOLD: N_("In hold"),
    Item.NOT_FUNDED: N_("Unfunded"),
    Item.PAYABLE_BROUGHT_FORWARD: N_("Before"),
    Item.PAID_OUT: N_("Paid out"),
    Item.PAYABLE_CORRECTIONS: N_("Adjusted"),
    Item.OVERPAID_BROUGHT_FORWARD: N_("Old debt"),
    Item.OVERPAID: N_("Overpaid"),
    Item.OVERPAID_CARRIED_FORWARD: N_("Carried on"),
}
"""Short names, each another, for the bars of the bridge; the table beside it has the long ones."""
IF_IT_CLOSED_NOW = N_("Payable if the months closed now")
METHODS: dict[Method, str] = {
    Method.COUPON: N_("The customer used a coupon code that is yours alone."),
    Method.CLICK: N_("The order brought the receipt of a click on your link or ad."),
    Method.CUSTOMER: N_("It was this customer's last click within the window."),
}
RELATIONS: dict[Relation, str] = {
    Relation.DIRECT: N_("What was clicked is what was bought."),
    Relation.SAME_MERCHANT: N_("Another product of the shop that was clicked."),
    Relation.CROSS_MERCHANT: N_("Another shop than the one that was clicked."),
}
STATUSES: dict[Status, str] = {
    Status.PLACED: N_("Placed"),
    Status.PAID: N_("Paid"),
    Status.RECEIVED: N_("Received"),
    Status.CANCELLED: N_("Cancelled"),
    Status.REFUNDED: N_("Refunded"),
}
REASONS: dict[str, str] = {
    Unearned.NOT_PAID: N_("The customer has not paid yet."),
    Unearned.CANCELLED: N_("The order was cancelled, so its commission was taken back whole."),
    Unearned.BAD_CLICK: N_(
        "The click id of the order was not made here; ask the shop to pass it on unchanged."
    ),
    Unearned.CLICK_AFTER_ORDER: N_("The click came after the order."),
    Unearned.OUTSIDE_WINDOW: N_(
        "The click was longer before the order than the contract's window."
    ),
    Unearned.OTHER_MERCHANT: N_(
        "Another shop than the one clicked, and the contract has no rate for that."
    ),
    Unearned.NO_TOUCH: N_("No click and no coupon led to it."),
    Unearned.INVALID_TRAFFIC: N_("The click came from a robot or a data centre."),
    Unearned.PARTNER_NOT_APPROVED: N_("You were not approved when it was paid for."),
    Unearned.NO_CONTRACT: N_(
        "No contract was in force when it was paid for; the house makes contracts."
    ),
    Unearned.SELF_PURCHASE: N_("The customer is you; own purchases earn nothing."),
    Unearned.GIFT_CATEGORY: N_("The shop pays nothing for this category, such as gift cards."),
    Unearned.ZERO_RATE: N_("The rate that applies is zero."),
    Unearned.CAP_REACHED: N_(
        "The contract's cap of the month was reached, so it earns what was left under it."
    ),
    Unearned.UNMATCHED_REFUND: N_("A refund of a sale that was never reported."),
    Shortfall.NOT_ENROLLED: N_("You are not enrolled in the fund that would pay the subsidy."),
    Shortfall.CAP_REACHED: N_("Your monthly cap of the fund was reached, so its part is smaller."),
    Shortfall.POOL_EMPTY: N_("The fund was empty, so it paid what was left and then nothing."),
    "reattributed": N_("It was found to be another partner's, so it earns you nothing any more."),
}
FOR_MERCHANTS: dict[str, str] = {
    Unearned.NOT_PAID: N_("Not paid yet."),
    Unearned.CANCELLED: N_("Cancelled: nothing is owed for it."),
    Unearned.BAD_CLICK: N_("Its click id was not made here; pass it on as it came."),
    Unearned.CLICK_AFTER_ORDER: N_("The click came after the order."),
    Unearned.OUTSIDE_WINDOW: N_("The click was too long before the order."),
    Unearned.OTHER_MERCHANT: N_("The click led to another shop."),
    Unearned.NO_TOUCH: N_("No click and no coupon led to it."),
    Unearned.INVALID_TRAFFIC: N_("The click came from a robot or a data centre."),
    Unearned.PARTNER_NOT_APPROVED: N_("The partner was not approved then."),
    Unearned.NO_CONTRACT: N_("The partner had no contract then."),
    Unearned.SELF_PURCHASE: N_("The partner bought for itself."),
    Unearned.GIFT_CATEGORY: N_("Your rates pay nothing for this category."),
    Unearned.ZERO_RATE: N_("The rate that applies is zero."),
    Unearned.CAP_REACHED: N_("A cap of the partner's contract was reached."),
    Unearned.UNMATCHED_REFUND: N_("A refund of a sale that was never reported."),
}
"""Why a line costs nothing, or less, for the merchant whose line it is."""
OUTCOMES: dict[Outcome, str] = {
    Outcome.PAYABLE: N_("Became payable"),
    Outcome.NOT_RECEIVED: N_("Waited: not yet received"),
    Outcome.IN_HOLD: N_("Waited: hold days not over"),
    Outcome.NOT_FUNDED: N_("Waited: not yet paid by the merchant"),
}
WAITING: dict[Outcome, str] = {
    Outcome.NOT_RECEIVED: N_("Waits until the customers have received their goods"),
    Outcome.IN_HOLD: N_("Received; the hold days of the contract are not over"),
    Outcome.PAYABLE: N_("Ripe: the next closing makes it payable if the merchant has paid"),
}
HELD: dict[Held, str] = {
    Held.NOTHING_PAYABLE: N_("Nothing is payable at the moment."),
    Held.NOT_APPROVED: N_("Payouts are stopped because you are not approved at the moment."),
    Held.BELOW_MINIMUM: N_("It is below the smallest payout and waits for the next month."),
    Held.NO_BANK_ACCOUNT: N_("There is no bank account to pay to: enter one under Payouts."),
}
PAYOUT_STATES: dict[State, str] = {
    State.PENDING: N_("On its way"),
    State.CONFIRMED: N_("Paid"),
    State.FAILED: N_("The bank refused it"),
}
PAYOUT_KINDS: dict[State, str] = {
    State.PENDING: "info",
    State.CONFIRMED: "ok",
    State.FAILED: "bad",
}
FORMATS: dict[Format, str] = {
    Format.SPLASH: N_("Splash"),
    Format.BANNER: N_("Banner"),
    Format.NATIVE: N_("Native"),
    Format.INTERSTITIAL: N_("Interstitial"),
    Format.REWARDED_VIDEO: N_("Rewarded video"),
}
FORMAT_USES: dict[Format, str] = {
    Format.SPLASH: N_("Full screen while the app starts; one tap closes it at any moment."),
    Format.BANNER: N_("A strip at the edge of a screen that people stay on."),
    Format.NATIVE: N_("A picture with words, drawn by your app in the style of your lists."),
    Format.INTERSTITIAL: N_("Full screen at a pause, such as between two levels."),
    Format.REWARDED_VIDEO: N_("A film that people choose to watch for something in return."),
}
USUAL_SIZES: dict[Format, str] = {
    Format.SPLASH: "1080x1920",
    Format.BANNER: "320x50",
    Format.NATIVE: "1200x627",
    Format.INTERSTITIAL: "1080x1920",
    Format.REWARDED_VIDEO: "1280x720",
}
BREAKDOWNS: dict[str, str] = {
    "app": N_("App"),
    "placement": N_("Placement"),
    "merchant": N_("Merchant"),
    "product": N_("Product"),
    "link": N_("Link"),
    **{f"sub{number}": f"sub{number}" for number in range(1, 6)},
}
