"""The merchants' area: its pages, REST endpoints and menu.

Never here: what any of them does.
"""

from adserver.accounts.identity import Role
from adserver.console.merchants import endpoints, pages
from adserver.console.web.language import N_
from adserver.console.web.routes import Area, MenuEntry, Page

_M = "/merchants/{merchant_id}"

AREA = Area(
    "merchants",
    pages=(
        Page("GET", _M, pages.home),
        Page("GET", f"{_M}/orders", pages.orders),
        Page("GET", f"{_M}/orders/{{row_id}}", pages.order),
        Page("GET", f"{_M}/products", pages.products),
        Page("GET", f"{_M}/key", pages.key),
        Page("POST", f"{_M}/key", pages.rotate),
    ),
    endpoints=endpoints.ENDPOINTS,
    menu=(
        MenuEntry(Role.MERCHANT, "/merchants/{owner}", N_("Overview"), 10),
        MenuEntry(Role.MERCHANT, "/merchants/{owner}/orders", N_("Orders"), 20),
        MenuEntry(Role.MERCHANT, "/merchants/{owner}/products", N_("Products"), 30),
        MenuEntry(Role.MERCHANT, "/merchants/{owner}/key", N_("Key"), 40),
    ),
)
