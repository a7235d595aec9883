"""What the operators' pages share: the house's clock, how they read a form, a table as CSV.

Never here: a page, or long lists in pieces (`paging`). The one surprising fact: months and
days on these pages are the house's (ADUNION_TIME_ZONE), for books close by it; instants are shown
in the reader's zone.
"""

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct

from adserver.console.desk import Desk
from adserver.console.operators.refusals import refused
from adserver.console.web.exchange import Call, Download
from adserver.console.web.language import N_
from adserver.console.web.tables import CSV, csv_of
from adserver.marketplace.problem import Sentence
from adserver.stores.partner_changes import SqlPartners
from affiliate.calendar import Period, parse_period
from models.domain.money import Micros, parse_amount

LONGEST_REASON = 300


def zone_of(desk: Desk) -> ZoneInfo:
    """The house's time zone."""
    return ZoneInfo(desk.settings.time_zone)


def partners_of(desk: Desk) -> SqlPartners:
    """Partners, contracts and merchants, to be read and changed."""
    return SqlPartners(desk.engine, desk.settings.currency, zone_of(desk))


def sheet(name: str, kind: type[Struct], rows: Iterable[Struct]) -> Download:
    """A whole table as CSV, with the columns that programs get."""
    return Download(csv_of(kind, rows).encode(), f"{CSV}; charset=utf-8", f"{name}.csv")


def text(call: Call, name: str) -> str:
    """A field of the form without spaces around it; "" when it is not there."""
    return call.form.get(name, "").strip()


def reason(given: str, *, needed: bool = False) -> str:
    """Why something is done. Raises CatalogError when it is too long, or needed and missing."""
    given = given.strip()
    if len(given) > LONGEST_REASON:
        raise refused(Sentence("at most %(most)s characters", most=LONGEST_REASON), "reason")
    if needed and not given:
        raise refused(N_("say why: it is kept, and shown to those who ask"), "reason")
    return given


def amount(given: str) -> Micros:
    """An amount above 0 as people write it. Raises CatalogError."""
    try:
        micros = parse_amount(given.strip()[:40])
    except ValueError as error:
        raise refused(str(error), "amount") from None
    if micros <= 0:
        raise refused(N_("must be more than zero"), "amount")
    return micros


def month(given: str) -> Period:
    """A month as "2026-10". Raises CatalogError."""
    try:
        return parse_period(given)
    except ValueError as error:
        raise refused(str(error), "period") from None


def day(given: str, field: str = "day") -> date:
    """A day as "2026-10-31". Raises CatalogError."""
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise refused(N_("write the day as 2026-10-31"), field) from None
