"""The partners' area: its pages, REST endpoints and menu.

Never here: what any of them does.
"""

from adserver.accounts.identity import Role
from adserver.console.partners import (
    app_endpoints,
    app_pages,
    commissions,
    earnings_endpoints,
    earnings_pages,
    house_ad_endpoints,
    house_ad_reviews,
    house_ads,
    link_endpoints,
    link_pages,
    payment_endpoints,
    payouts,
    statements,
)
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Area, MenuEntry, Page

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
_APP = f"{_P}/apps/{{app_id}}"
_SLOT = f"{_APP}/placements/{{placement_id}}"
APP_PAGES = (
    Page("GET", _P, app_pages.home),
    Page("GET", f"{_P}/apps", app_pages.listing),
    Page("GET", f"{_P}/apps/new", app_pages.new_app),
    Page("POST", f"{_P}/apps/new", app_pages.add_app),
    Page("GET", _APP, app_pages.app_page),
    Page("POST", _APP, app_pages.save_app),
    Page("POST", f"{_APP}/key", app_pages.rotate),
    Page("GET", f"{_APP}/integration", app_pages.check),
    Page("GET", f"{_APP}/placements/new", app_pages.new_placement),
    Page("POST", f"{_APP}/placements/new", app_pages.add_placement),
    Page("GET", _SLOT, app_pages.placement_page),
    Page("POST", _SLOT, app_pages.save_placement),
    Page("POST", f"{_SLOT}/archive", app_pages.archive_placement),
)
HOUSE_AD_PAGES = (
    Page("GET", f"{_APP}/house-ads", house_ads.page),
    Page("POST", f"{_APP}/house-ads", house_ads.add_page, upload_bytes=house_ads.MOST_BYTES),
    Page("POST", f"{_APP}/house-ads/{{house_ad_id}}/toggle", house_ads.take_back_page),
    Page("GET", house_ad_reviews.PATH, house_ad_reviews.page, roles=OPERATORS),
    Page("GET", f"{house_ad_reviews.PATH}.csv", house_ad_reviews.as_csv, roles=OPERATORS),
    Page(
        "POST", f"{house_ad_reviews.PATH}/{{house_ad_id}}", house_ad_reviews.judge, roles=OPERATORS
    ),
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
    MenuEntry(Role.OPERATOR, house_ad_reviews.PATH, N_("Apps' own ads"), 26),
)

AREA = Area(
    "partners",
    pages=(*EARNINGS_PAGES, *PAYMENT_PAGES, *APP_PAGES, *HOUSE_AD_PAGES, *LINK_PAGES),
    endpoints=(
        *earnings_endpoints.ENDPOINTS,
        commissions.ENDPOINT,
        *payment_endpoints.ENDPOINTS,
        *link_endpoints.ENDPOINTS,
        *app_endpoints.ENDPOINTS,
        *house_ad_endpoints.ENDPOINTS,
    ),
    menu=MENU,
)
