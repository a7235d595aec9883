"""Whose pages these are, and what is asked of them: the partner, a currency, a month.

Never here: whether the caller may see them (`web.guard` has seen to that). The one surprising fact:
a month or currency that cannot be is answered with the present one, because a page is better than a
refusal for what somebody typed into an address.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.partners.figures import currencies_of
from adserver.console.web.exchange import Call
from adserver.stores import database, partners
from affiliate.calendar import Period, parse_period, period_of, shifted
from affiliate.partner import Partner
from models.domain.ids import PartnerId

MONTHS_SHOWN = 13


@dataclass(frozen=True, slots=True)
class Asked:
    """What an earnings page shows. `months` may be chosen, newest first."""

    partner: Partner
    currency: str
    currencies: tuple[str, ...]
    period: Period
    months: tuple[Period, ...]


def partner_of(desk: Desk, call: Call) -> Partner:
    """The partner in the path.

    Raises:
        NotFoundError: there is none.
    """
    partner_id = PartnerId(call.params["partner_id"])
    with database.reading(desk.engine) as connection:
        found = partners.partners_of(connection, [partner_id]).get(partner_id)
    if found is None:
        raise NotFoundError("there is no such partner")
    return found


def asked_of(desk: Desk, call: Call) -> Asked:
    """The partner, the currency and the month that a page is asked for."""
    partner = partner_of(desk, call)
    currencies = currencies_of(desk, partner.partner_id)
    wanted = call.query.get("currency", "")
    this = period_of(call.now, house_zone(desk))
    return Asked(
        partner,
        wanted if wanted in currencies else currencies[0],
        tuple(currencies),
        month_of(call.query.get("month", ""), this),
        tuple(shifted(this, -back) for back in range(MONTHS_SHOWN)),
    )


def month_of(text: str, otherwise: Period) -> Period:
    """A month as it was typed, or the other one."""
    try:
        period = parse_period(text)
    except ValueError:
        return otherwise
    return period if "1970-01" < period < "9990-01" else otherwise


def house_zone(desk: Desk) -> ZoneInfo:
    """The zone in which the house counts days and months of money."""
    return ZoneInfo(desk.settings.time_zone)


def base_path(call: Call) -> str:
    """Where this partner's pages begin."""
    return f"/partners/{call.params['partner_id']}"
