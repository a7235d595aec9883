"""The partners' area: its pages, REST endpoints and menu.

Never here: what any of them does.
"""

from adserver.accounts.identity import Role
from adserver.console.partners import commissions, earnings_endpoints, earnings_pages
from adserver.console.web.language import N_
from adserver.console.web.routes import Area, MenuEntry, Page

_P = "/partners/{partner_id}"

EARNINGS_PAGES = (
    Page("GET", f"{_P}/earnings", earnings_pages.overview),
    Page("GET", f"{_P}/earnings/breakdown.csv", earnings_pages.breakdown_csv),
    Page("GET", f"{_P}/earnings/lines", earnings_pages.lines),
    Page("GET", f"{_P}/earnings/why", earnings_pages.why),
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
    pages=EARNINGS_PAGES,
    endpoints=(*earnings_endpoints.ENDPOINTS, commissions.ENDPOINT),
    menu=MENU,
)
