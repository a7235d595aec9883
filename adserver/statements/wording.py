"""What the steps, outcomes and reasons of a statement are called, and amounts as text.

Never here: layout. The one surprising fact: an amount with a fraction of a minor unit (shares of ad
revenue accrue in micros) is written with all six decimals, so that columns of figures still add up.
"""

from affiliate.ledger import Reason
from affiliate.payout import Held
from affiliate.settlement import Outcome
from affiliate.statement import Item, Section
from models.domain.money import PPM, Micros, format_amount, micros_of, minor_digits

SECTIONS: dict[Section, str] = {
    Section.ESTIMATED: "Estimated",
    Section.VALIDATED: "Validated",
    Section.MATURED: "Became payable this month",
    Section.PAYABLE: "Payable",
}

ITEMS: dict[Item, str] = {
    Item.BROUGHT_FORWARD: "Open from earlier months",
    Item.COMMISSIONS: "New commissions",
    Item.SUBSIDIES: "Subsidies from funds",
    Item.AD_SHARES: "Shares of ad revenue",
    Item.GUARANTEES: "Guarantee top-ups",
    Item.CHANGES: "Changed orders",
    Item.CAP: "Cap of the contract",
    Item.REFUNDS: "Refunds",
    Item.CANCELLATIONS: "Cancelled orders",
    Item.INVALID_TRAFFIC: "Invalid traffic",
    Item.RESTATEMENTS: "Restated days of ads",
    Item.CORRECTIONS: "Corrections",
    Item.AFTER_MONTH_END: "Told after the month's end, in the next statement's lines",
    Item.NOT_RECEIVED: "Not yet received by the customer",
    Item.IN_HOLD: "Received, hold days not over",
    Item.NOT_FUNDED: "Not yet paid by the merchant",
    Item.PAYABLE_BROUGHT_FORWARD: "Payable from earlier months",
    Item.PAID_OUT: "Paid out during the month",
    Item.PAYABLE_CORRECTIONS: "Corrections of what is payable",
    Item.OVERPAID_BROUGHT_FORWARD: "Overpaid, from earlier months",
    Item.OVERPAID: "Refunds and changes of what was payable already",
    Item.OVERPAID_CARRIED_FORWARD: "Overpaid, carried to the next month",
}

OUTCOMES: dict[Outcome, str] = {
    Outcome.PAYABLE: "payable",
    Outcome.NOT_RECEIVED: "waits: not yet received",
    Outcome.IN_HOLD: "waits: hold days not over",
    Outcome.NOT_FUNDED: "waits: not yet paid by the merchant",
}

HELD: dict[Held, str] = {
    Held.NOTHING_PAYABLE: "There is nothing to pay out.",
    Held.NOT_APPROVED: "Payouts are stopped because the partner is not approved.",
    Held.BELOW_MINIMUM: "It is below the smallest payout and stays for the next month.",
    Held.NO_BANK_ACCOUNT: "There is no bank account to pay to.",
}

REASONS: dict[Reason, str] = {
    Reason.DEPOSIT: "Deposit",
    Reason.AD_SPEND: "Ad spend",
    Reason.AD_SHARE: "Share of ad revenue",
    Reason.SUBSIDY: "Subsidy for ads",
    Reason.GUARANTEE: "Guarantee top-up",
    Reason.INVALID_TRAFFIC: "Invalid traffic",
    Reason.COMMISSION: "Commission",
    Reason.REFUND: "Refund",
    Reason.CANCELLED: "Cancelled order",
    Reason.MATURITY: "Became payable",
    Reason.CLAWBACK: "Overpaid money netted",
    Reason.PAYOUT: "Payout",
    Reason.REVERSAL: "Reversal",
    Reason.CORRECTION: "Correction",
}


def plain(micros: int, currency: str) -> str:
    """An amount for programs: "-1234.56", six decimals where the minor unit is not enough."""
    return shown(micros, currency).replace(",", "")


def shown(micros: int, currency: str) -> str:
    """An amount for people: "-1,234.56"."""
    whole = micros % micros_of(1, currency) == 0
    return format_amount(Micros(micros), minor_digits(currency) if whole else 6)


def percent(rate_ppm: int) -> str:
    """ "3.1 %" of 31,000 ppm, all digits and no more."""
    whole, rest = divmod(abs(rate_ppm) * 100, PPM)
    digits = f"{rest:06}".rstrip("0")
    return f"{'-' if rate_ppm < 0 else ''}{whole}{'.' if digits else ''}{digits} %"
