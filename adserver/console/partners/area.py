"""The partners' area: its pages, REST endpoints and menu.

Never here: what any of them does.
"""

from adserver.accounts.identity import Role
from adserver.console.partners import (
    commissions,
    earnings_endpoints,
    earnings_pages,
    link_endpoints,
    link_pages,
    payment_endpoints,
    payouts,
    statements,
)
from adserver.console.web.language import N_
from adserver.console.web.routes import Area, MenuEntry, Page

_P = "/partners/{partner_id}"

EARNINGS_PAGES = (
    Page("GET", f"{_P}/earnings", earnings_pages.overview),
    Page("GET", f"{_P}/earnings/breakdown.csv", earnings_pages.breakdown_csv),
    Page("GET", f"{_P}/earnings/lines", earnings_pages.lines),
    Page("GET", f"{_P}/earnings/why", earnings_pages.why),
)

_STATEMENT = f"{_P}/statements/{{period}}/{{currency}}"
PAYMENT_PAGES = (
    Page("GET", f"{_P}/statements", statements.listing),
    Page("GET", _STATEMENT, statements.page),
    Page("GET", f"{_STATEMENT}/statement.csv", statements.as_csv),
    Page("GET", f"{_P}/payouts", payouts.page),
    Page("POST", f"{_P}/payout-details", payouts.save_bank),
)
LINK_PAGES = (
    Page("GET", f"{_P}/links", link_pages.listing),
    Page("GET", f"{_P}/links/new", link_pages.maker),
    Page("POST", f"{_P}/links/new", link_pages.make),
    Page("GET", f"{_P}/links/one", link_pages.one),
    Page("GET", f"{_P}/links/qr.svg", link_pages.picture),
)

MENU = (
    MenuEntry(Role.PARTNER, "/partners/{owner}", N_("Overview"), 10),
    MenuEntry(Role.PARTNER, "/partners/{owner}/earnings", N_("Earnings"), 20),
    MenuEntry(Role.PARTNER, "/partners/{owner}/apps", N_("Apps"), 30),
    MenuEntry(Role.PARTNER, "/partners/{owner}/links", N_("Links"), 40),
    MenuEntry(Role.PARTNER, "/partners/{owner}/statements", N_("Statements"), 70),
    MenuEntry(Role.PARTNER, "/partners/{owner}/payouts", N_("Payouts"), 80),
)

AREA = Area(
    "partners",
    pages=(*EARNINGS_PAGES, *PAYMENT_PAGES, *LINK_PAGES),
    endpoints=(
        *earnings_endpoints.ENDPOINTS,
        commissions.ENDPOINT,
        *payment_endpoints.ENDPOINTS,
        *link_endpoints.ENDPOINTS,
    ),
    menu=MENU,
)
