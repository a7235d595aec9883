"""The sums behind an earning, written out: rate times base, what rounding, cap and fund made of it.

Never here: posting or judging. The one surprising fact: what the rate alone would have come to is
computed again here, beside what was booked, so that a reader sees where a cap or the fee took some.
"""

from collections.abc import Callable
from datetime import datetime

from adserver.console.partners import words
from adserver.console.web import figures
from adserver.console.web.language import N_
from adserver.statements.wording import percent
from adserver.stores.order_rows import OrderRow
from adserver.stores.revenue import ShareRow
from affiliate.attribution import Unearned
from models.domain.money import micros_of, portion

Say = Callable[[str], str]
Told = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]


def order_sums(row: OrderRow, say: Say) -> Told:
    """Sentences and figures of an order line."""
    facts = [
        (say(N_("Rule")), row.rule),
        (
            say(N_("Contract")),
            f"{row.contract_id} v{row.contract_version}" if row.contract_id else "",
        ),
        (say(N_("Paid for the line")), _money(row.paid_minor, row)),
        (say(N_("Base of the commission")), _money(row.base_minor, row) if row.rule else ""),
        (say(N_("Rate")), rate_of(row, say)),
        (say(N_("Commission first told")), _money(row.estimated_commission_minor, row)),
        (say(N_("Your part, first told")), _money(row.estimated_partner_minor, row)),
        (say(N_("Commission when received")), _money(row.actual_commission_minor, row)),
        (say(N_("Your part when received")), _money(row.actual_partner_minor, row)),
        (say(N_("Refunded to the customer")), _money(row.refunded_minor or None, row)),
        (say(N_("Fee of the house")), _money(row.fee_minor or None, row)),
        (say(N_("Your part now")), _money(row.partner_minor, row)),
        (say(N_("Subsidy")), _subsidy(row)),
        (say(N_("Made payable so far")), _money(row.matured_minor or None, row)),
    ]
    return tuple(_order_says(row, say)), tuple(pair for pair in facts if pair[1])


def _order_says(row: OrderRow, say: Say) -> list[str]:
    says = []
    if row.rate_ppm is not None and row.partner_id:
        full = portion(row.base_minor, row.rate_ppm)
        text = say(N_("%(rate)s of %(base)s is %(amount)s, rounded once to %(unit)s."))
        says.append(
            text
            % {
                "rate": percent(row.rate_ppm),
                "base": _money(row.base_minor, row),
                "amount": _money(full, row),
                "unit": _money(1, row),
            }
        )
    elif row.flat_minor is not None and row.partner_id:
        text = say(N_("%(flat)s a piece, %(count)s pieces: %(amount)s."))
        amount = _money(row.flat_minor * row.quantity, row)
        flat = _money(row.flat_minor, row)
        says.append(text % {"flat": flat, "count": row.quantity, "amount": amount})
    if row.reason == Unearned.CAP_REACHED:
        text = say(N_("The cap of the contract left %(amount)s of it."))
        says.append(text % {"amount": _money(row.estimated_commission_minor, row)})
    if row.fee_minor:
        text = say(N_("The house keeps %(fee)s as its fee; %(part)s is yours."))
        part = _money(row.partner_minor, row)
        says.append(text % {"fee": _money(row.fee_minor, row), "part": part})
    if row.refunded_minor:
        text = say(
            N_(
                "%(back)s of %(paid)s went back to the customer, and the same part of the "
                "commission."
            )
        )
        back, paid = _money(row.refunded_minor, row), _money(row.paid_minor, row)
        says.append(text % {"back": back, "paid": paid})
    return says


def rate_of(row: OrderRow, say: Say) -> str:
    """The rate as one reads it."""
    if row.rate_ppm is not None:
        return percent(row.rate_ppm)
    if row.flat_minor is None:
        return ""
    return say(N_("%(flat)s a piece")) % {"flat": _money(row.flat_minor, row)}


def _subsidy(row: OrderRow) -> str:
    return f"{_money(row.subsidy_minor, row)} · {row.pool_id}" if row.subsidy_granted_minor else ""


def _money(minor: int | None, row: OrderRow) -> str:
    return "" if minor is None else figures.minor(minor, row.currency)


def ad_sums(row: ShareRow, say: Say) -> Told:
    """Sentences and figures of a placement's day."""

    def money(micros: int) -> str:
        return figures.micros(micros, row.currency, exact=True)

    says = []
    if row.rule:
        text = say(
            N_(
                "%(rule)s: of %(revenue)s that advertisers paid for valid traffic, %(share)s "
                "is yours."
            )
        )
        revenue = money(row.revenue_micros)
        says.append(text % {"rule": row.rule, "revenue": revenue, "share": money(row.share_micros)})
        says.append(
            say(N_("A day is computed from its exact total in millionths and rounded once."))
        )
    facts = [
        (say(N_("Valid impressions")), figures.number(row.impressions)),
        (say(N_("Valid revenue")), money(row.revenue_micros)),
        (say(N_("Invalid impressions")), figures.number(row.invalid_impressions)),
        (say(N_("Invalid revenue")), money(row.invalid_revenue_micros)),
        (
            say(N_("Contract")),
            f"{row.contract_id} v{row.contract_version}" if row.contract_id else "",
        ),
        (say(N_("Share")), money(row.share_micros)),
        (say(N_("Guarantee top-up")), money(row.guarantee_micros)),
        (say(N_("Subsidy")), f"{money(row.subsidy_micros)} · {row.pool_id}" if row.pool_id else ""),
        (say(N_("First told")), money(row.estimated_micros)),
        (say(N_("Restated since")), money(row.restated_micros)),
        (say(N_("Invalid, taken back")), money(-row.invalid_micros)),
        (say(N_("Yours now")), money(row.earned)),
        (say(N_("Made payable so far")), money(row.matured_micros)),
    ]
    nothing = {money(0), "0", ""}
    keep = {say(N_("Valid impressions")), say(N_("Valid revenue")), say(N_("Yours now"))}
    return tuple(says), tuple(one for one in facts if one[0] in keep or one[1] not in nothing)


def state_of(row: OrderRow, now: datetime) -> tuple[str, str]:
    """How far a line has come: (text to be translated, kind of badge)."""
    if row.reason and not row.earned_minor:
        return N_("Earns nothing"), ""
    if row.earned_minor and row.matured_minor >= row.earned_minor:
        return N_("Payable or paid"), "ok"
    if row.payable_from is None:
        return words.STATUSES[next(one for one in words.STATUSES if one == row.status)], "info"
    return (N_("Ripe"), "ok") if row.payable_from <= now else (N_("In hold"), "warn")


def earned_micros(row: OrderRow) -> int:
    """What the line earns the partner, in micros."""
    return micros_of(row.earned_minor, row.currency)
