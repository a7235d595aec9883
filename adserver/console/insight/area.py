"""The area of insight: its pages, REST endpoints and menu.

Never here: what any of them does.
"""

from adserver.console.insight import forecast_endpoints, why
from adserver.console.web.routes import Area, Page

PAGES = (Page("GET", "/advertisers/{advertiser_id}/line-items/{line_item_id}/why", why.page),)

AREA = Area("insight", PAGES, (forecast_endpoints.ENDPOINT, why.ENDPOINT), ())
