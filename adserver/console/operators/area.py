"""The operators' area: every page and endpoint under /house that is not another room's.

Never here: what one does. The review of creatives is `console.creatives`, organisations and their
people are `console.account`; the menu leads there as well.
"""

from adserver.accounts.identity import Role
from adserver.console.operators import (
    agreement_pages,
    customer_pages,
    customers,
    experiment_pages,
    home,
    invalid_pages,
    live_page,
    model_pages,
    month_pages,
    payout_pages,
    people,
    pools,
    shop_pages,
    switches,
    top_up_pages,
)
from adserver.console.web.language import N_
from adserver.console.web.routes import Area, MenuEntry

_TOPICS = (
    home,
    live_page,
    switches,
    customer_pages,
    customers,
    top_up_pages,
    people,
    agreement_pages,
    shop_pages,
    pools,
    month_pages,
    payout_pages,
    invalid_pages,
    model_pages,
    experiment_pages,
)
_MENU = (
    (home.PATH, N_("Home"), 10),
    (live_page.PATH, N_("Live"), 20),
    (customers.ADVERTISERS, N_("Advertisers"), 100),
    (top_up_pages.PATH, N_("Top-ups"), 120),
    (customers.APPS, N_("Apps"), 200),
    (people.PATH, N_("Partners"), 210),
    (agreement_pages.PATH, N_("Contracts"), 220),
    (shop_pages.PATH, N_("Merchants"), 230),
    (pools.PATH, N_("Funds"), 240),
    (month_pages.PATH, N_("Settlement"), 300),
    (invalid_pages.PATH, N_("Invalid traffic"), 310),
    (model_pages.PATH, N_("Models"), 400),
    (experiment_pages.PATH, N_("Experiments"), 410),
    (switches.PATH, N_("Kill switches"), 500),
)

AREA = Area(
    "operators",
    pages=tuple(page for topic in _TOPICS for page in topic.PAGES),
    endpoints=tuple(endpoint for topic in _TOPICS for endpoint in topic.ENDPOINTS),
    menu=tuple(MenuEntry(Role.OPERATOR, path, title, place) for path, title, place in _MENU),
)
