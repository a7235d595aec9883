"""A partner's closed months: the list, one statement with its bridge and lines, and its CSV.

Never here: making one (`accounting.closing`). The one surprising fact: a statement is written from
the ledger each time, and refuses to be shown when the ledger no longer leads to what it says.
"""

from itertools import islice

from adserver.accounting.reading_statements import Statements
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.partners import words
from adserver.console.partners.earnings_pages import bridge_plot, bridge_rows
from adserver.console.partners.figures import lines_of_bridge
from adserver.console.partners.whose import base_path, house_zone, partner_of
from adserver.console.web.exchange import Call, Download, Html
from adserver.console.web.tables import CSV
from adserver.statements.lines import Line, lines_of
from adserver.statements.table import csv_of
from affiliate.calendar import Period
from affiliate.statement import Section, Statement
from models.domain.ids import PartnerId
from models.domain.money import micros_of

MOST_LINES = 200


def statements_of(desk: Desk, partner_id: PartnerId) -> list[Statement]:
    """The partner's statements, newest month first."""
    found = Statements(desk.engine).find(partner_id=partner_id)
    return sorted(found, key=lambda one: (one.period, one.currency), reverse=True)


def statement_of(desk: Desk, partner_id: PartnerId, period: str, currency: str) -> Statement:
    """One statement.

    Raises:
        NotFoundError: the partner has none of that month and currency.
    """
    found = Statements(desk.engine).find(
        period=Period(period), partner_id=partner_id, currency=currency
    )
    if not found:
        raise NotFoundError("there is no statement of this month and currency")
    return found[0]


def listing(desk: Desk, call: Call) -> Html:
    """The list of statements."""
    partner = partner_of(desk, call)
    rows = [
        {
            "one": one,
            "estimated": one.total(Section.ESTIMATED),
            "validated": one.total(Section.VALIDATED),
            "payable": one.total(Section.PAYABLE),
            "payout": micros_of(one.payout_minor, one.currency),
            "held": call._(words.HELD[one.held]) if one.held else "",
        }
        for one in statements_of(desk, partner.partner_id)
    ]
    return Html("partners/statements.html", {"rows": rows, "base": base_path(call)})


def page(desk: Desk, call: Call) -> Html:
    """One statement: the bridge, what was booked, and what was left open."""
    one = _asked(desk, call)
    with Statements(desk.engine).opened(one) as opened:
        entries = iter(lines_of(opened.entries, one.partner_id))
        lines = list(islice(entries, MOST_LINES))
        further = sum(1 for _ in entries)
        waiting = iter(opened.items)
        items = list(islice(waiting, MOST_LINES))
        further_open = sum(1 for _ in waiting)
    bridge = lines_of_bridge(one.steps)
    values = {
        "one": one,
        "base": base_path(call),
        "bridge": bridge_plot(bridge, one.currency, call),
        "bridge_rows": bridge_rows(bridge, call),
        "lines": [(name_of(line), line) for line in lines],
        "further": further,
        "further_open": further_open,
        "items": [(item, call._(words.OUTCOMES[item.outcome])) for item in items],
        "payout": micros_of(one.payout_minor, one.currency),
        "held": call._(words.HELD[one.held]) if one.held else "",
    }
    return Html("partners/statement.html", values)


def name_of(line: Line) -> str:
    """By what the story of a line is found: its order line, its day of ads, or its own key."""
    refs = line.refs
    if "row" in refs:
        return refs["row"]
    place = [refs.get(name, "") for name in ("day", "app", "placement")]
    return "/".join(place) if all(place) else line.key


def as_csv(desk: Desk, call: Call) -> Download:
    """One statement with every line of it, for a spreadsheet."""
    one = _asked(desk, call)
    name = f"statement-{one.partner_id}-{one.period}-{one.currency}.csv"
    return Download(csv_bytes(desk, one), CSV, name)


def csv_bytes(desk: Desk, one: Statement) -> bytes:
    """The statement's table."""
    with Statements(desk.engine).opened(one) as opened:
        lines = lines_of(opened.entries, one.partner_id)
        return "".join(csv_of(one, lines, opened.items, house_zone(desk))).encode()


def _asked(desk: Desk, call: Call) -> Statement:
    partner = partner_of(desk, call)
    return statement_of(desk, partner.partner_id, call.params["period"], call.params["currency"])
