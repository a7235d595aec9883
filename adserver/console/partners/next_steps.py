"""What will happen to an earning next, and when: receipt, hold days, closing, payout.

Never here: what has happened (`why`). The one surprising fact: a date is only said where the
calendar fixes it; what waits for somebody names who it waits for.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from adserver.console.partners import words
from adserver.console.partners.figures import Next, dates_of, next_closing
from adserver.console.partners.voice import Voice
from adserver.console.web.language import N_
from adserver.stores import partners, statements
from adserver.stores.order_rows import OrderRow
from adserver.stores.revenue import ShareRow
from affiliate.calendar import Period, end_of, period_of, shifted
from affiliate.order import Status
from affiliate.settlement import Outcome
from models.domain.ids import MerchantId, PartnerId

LOOK_AHEAD_MONTHS = 24


def next_of_order(
    connection: Connection, row: OrderRow, voice: Voice, now: datetime, house: ZoneInfo
) -> list[str]:
    """Sentences of what an order line still has before it."""
    say = voice.say
    if row.paid_at is None:
        return [
            say(
                N_(
                    "The shop has not told us of a payment yet. Once it is paid for, an "
                    "estimate stands here."
                )
            )
        ]
    if not row.earned_minor:
        why = say(words.REASONS[row.reason]) if row.reason in words.REASONS else ""
        return [why or say(N_("It earns nothing, so nothing more happens to it."))]
    if row.matured_minor >= row.earned_minor:
        return [_payable(connection, row.row_id, voice)]
    steps = []
    if row.payable_from is None:
        steps.append(_waits_for_receipt(connection, row, voice))
        return [*steps, say(N_("The first closing after that makes it payable."))]
    if row.payable_from > now:
        text = say(N_("The customer has received it. The hold days of the contract end %(when)s."))
        steps.append(text % {"when": voice.moment(row.payable_from)})
    closing = _closing_of(connection, row, now, house)
    steps.append(_closes(closing, voice))
    if not _is_trusted(connection, row):
        steps.append(
            say(
                N_(
                    "The shop pays us first: what it has not paid for by then waits for the "
                    "next closing."
                )
            )
        )
    return [*steps, _pays(closing, voice)]


def next_of_day(
    connection: Connection, row: ShareRow, voice: Voice, now: datetime, house: ZoneInfo
) -> list[str]:
    """Sentences of what a placement's day still has before it."""
    if not row.earned:
        why = voice.say(words.REASONS[row.reason]) if row.reason in words.REASONS else ""
        return [why or voice.say(N_("It earns nothing, so nothing more happens to it."))]
    if row.matured_micros >= row.earned:
        return [_payable(connection, row.name, voice)]
    closing = next_closing(connection, row.currency, now, house, since=row.period)
    changes = voice.say(
        N_(
            "Until then late events may add to it, and findings of invalid traffic may take "
            "from it."
        )
    )
    return [_closes(closing, voice), changes, _pays(closing, voice)]


def _waits_for_receipt(connection: Connection, row: OrderRow, voice: Voice) -> str:
    name = _merchant_name(connection, row)
    if row.status == Status.PLACED:
        return voice.say(N_("%(shop)s has the order, and not the payment.")) % {"shop": name}
    text = voice.say(
        N_("It waits until %(shop)s tells us that the customer has received the goods.")
    )
    hold = _hold_days(connection, row)
    said = text % {"shop": name}
    if hold:
        days = voice.say(
            N_(
                "From then on the contract holds it for %(days)s days, in which goods may "
                "come back."
            )
        )
        said = f"{said} {days % {'days': hold}}"
    return said


def _hold_days(connection: Connection, row: OrderRow) -> int:
    if row.partner_id is None:
        return 0
    partner_id = PartnerId(row.partner_id)
    for contract in partners.contracts_of(connection, [partner_id])[partner_id]:
        if (contract.contract_id, contract.version) == (row.contract_id, row.contract_version):
            return contract.terms.hold_days
    return 0


def _merchant_name(connection: Connection, row: OrderRow) -> str:
    merchant = partners.merchant_of(connection, MerchantId(row.merchant_id))
    return merchant.name if merchant else row.merchant_id


def _is_trusted(connection: Connection, row: OrderRow) -> bool:
    merchant = partners.merchant_of(connection, MerchantId(row.merchant_id))
    return merchant is not None and merchant.trusted


def _closing_of(connection: Connection, row: OrderRow, now: datetime, house: ZoneInfo) -> Next:
    """The first closing that may make the line payable: paid for and ripe by then."""
    paid_at, ripe_at = row.paid_at or now, row.payable_from or now
    first = next_closing(connection, row.currency, now, house, since=period_of(paid_at, house))
    period: Period = first.period
    for _ in range(LOOK_AHEAD_MONTHS):
        dates = dates_of(connection, period, house)
        if paid_at < end_of(period, house) and ripe_at <= dates.closes_at:
            break
        period = shifted(period, 1)
    return dates


def _closes(closing: Next, voice: Voice) -> str:
    text = voice.say(N_("%(month)s closes on %(day)s; that makes it payable."))
    return text % {"month": closing.period, "day": voice.day(closing.closes_at)}


def _pays(closing: Next, voice: Voice) -> str:
    text = voice.say(
        N_("Payouts leave on %(day)s, if all that is payable reaches your smallest payout.")
    )
    return text % {"day": voice.day(closing.pays_at)}


def _payable(connection: Connection, ref: str, voice: Voice) -> str:
    found = [
        item for item in statements.items_of_line(connection, ref)
        if item.outcome is Outcome.PAYABLE
    ]  # fmt: skip
    if not found:
        return voice.say(N_("It is payable; nothing more has to happen."))
    text = voice.say(
        N_("The closing of %(month)s made it payable; it stands in that month's statement.")
    )
    return text % {"month": found[-1].period}
