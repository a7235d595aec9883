"""The areas of the console, in the order in which routes are tried.

Never here: anything but the list.
"""

from adserver.console import look
from adserver.console.account.area import AREA as ACCOUNT
from adserver.console.advertisers.area import AREA as ADVERTISERS
from adserver.console.creatives.area import AREA as CREATIVES
from adserver.console.insight.area import AREA as INSIGHT
from adserver.console.merchants.area import AREA as MERCHANTS
from adserver.console.operators.area import AREA as OPERATORS
from adserver.console.partners.area import AREA as PARTNERS
from adserver.console.web.routes import Area
from adserver.console.webhooks.area import AREA as WEBHOOKS

AREAS: tuple[Area, ...] = (
    look.AREA,
    ACCOUNT,
    ADVERTISERS,
    CREATIVES,
    PARTNERS,
    MERCHANTS,
    OPERATORS,
    INSIGHT,
    WEBHOOKS,
)
