"""The area of insight: its pages, REST endpoints and menu.

Never here: what any of them does.
"""

from adserver.accounts.identity import Role
from adserver.console.insight import audience_pages, forecast_endpoints, industry_pages, why
from adserver.console.web.language import N_
from adserver.console.web.routes import Area, MenuEntry, Page

PAGES = (
    Page("GET", "/advertisers/{advertiser_id}/line-items/{line_item_id}/why", why.page),
    Page("GET", "/partners/{partner_id}/audience", audience_pages.page),
    Page("GET", "/partners/{partner_id}/audience.csv", audience_pages.as_csv),
    *industry_pages.PAGES,
)

MENU = (
    MenuEntry(Role.PARTNER, "/partners/{owner}/audience", N_("Audience"), 50),
    MenuEntry(Role.PARTNER, "/partners/{owner}/industry", N_("Industry"), 60),
    MenuEntry(Role.OPERATOR, "/house/industry", N_("Industry"), 85),
)

AREA = Area(
    "insight",
    PAGES,
    (
        forecast_endpoints.ENDPOINT,
        why.ENDPOINT,
        *audience_pages.ENDPOINTS,
        *industry_pages.ENDPOINTS,
    ),
    MENU,
)
