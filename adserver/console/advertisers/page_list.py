"""The pages of the advertisers' area and its menu.

Never here: what a page says.
"""

from adserver.accounts.identity import Role
from adserver.console.advertisers import (
    campaign_pages,
    home_page,
    line_item_pages,
    line_item_view,
    money_pages,
    postback_pages,
)
from adserver.console.advertisers.changes import DEEDS
from adserver.console.web.language import N_
from adserver.console.web.routes import MenuEntry, Page

ROOT = "/advertisers/{advertiser_id}"
CAMPAIGN = f"{ROOT}/campaigns/{{campaign_id}}"
LINE_ITEM = f"{ROOT}/line-items/{{line_item_id}}"

PAGES = (
    Page("GET", ROOT, home_page.home),
    Page("GET", f"{ROOT}/campaigns", campaign_pages.campaigns),
    Page("GET", f"{ROOT}/line-items.csv", campaign_pages.figures_csv),
    Page("GET", f"{ROOT}/campaigns/new", campaign_pages.new),
    Page("POST", f"{ROOT}/campaigns/new", campaign_pages.make),
    Page("GET", CAMPAIGN, campaign_pages.campaign),
    Page("GET", f"{CAMPAIGN}/edit", campaign_pages.edit),
    Page("POST", f"{CAMPAIGN}/edit", campaign_pages.rename),
    *(Page("POST", f"{CAMPAIGN}/{deed}", campaign_pages.do) for deed in DEEDS),
    Page("GET", f"{CAMPAIGN}/line-items/new", line_item_pages.new),
    Page("POST", f"{CAMPAIGN}/line-items/new", line_item_pages.make),
    Page("GET", LINE_ITEM, line_item_view.show),
    Page("GET", f"{LINE_ITEM}/delivery.csv", line_item_view.breakdown_csv),
    Page("GET", f"{LINE_ITEM}/edit", line_item_pages.edit),
    Page("POST", f"{LINE_ITEM}/edit", line_item_pages.change),
    Page("POST", f"{LINE_ITEM}/duplicate", line_item_pages.duplicate),
    *(Page("POST", f"{LINE_ITEM}/{deed}", line_item_pages.do) for deed in DEEDS),
    Page("GET", f"{ROOT}/balance", money_pages.balance),
    Page("GET", f"{ROOT}/balance.csv", money_pages.moves_csv),
    Page("POST", f"{ROOT}/balance/top-ups", money_pages.ask),
    Page("POST", f"{ROOT}/balance/top-ups/{{top_up_id}}/withdraw", money_pages.withdraw),
    Page("GET", f"{ROOT}/postbacks", postback_pages.show),
    Page("POST", f"{ROOT}/postbacks/show", postback_pages.reveal),
    Page("POST", f"{ROOT}/postbacks/rotate", postback_pages.rotate),
    Page("POST", f"{ROOT}/postbacks/test", postback_pages.test),
    Page("GET", f"{ROOT}/settings", postback_pages.settings),
    Page("POST", f"{ROOT}/settings", postback_pages.change),
)

MENU = (
    MenuEntry(Role.ADVERTISER, "/advertisers/{owner}", N_("Overview"), 10),
    MenuEntry(
        Role.ADVERTISER,
        "/advertisers/{owner}/campaigns",
        N_("Campaigns"),
        20,
        under=("/advertisers/{owner}/line-items",),
    ),
    MenuEntry(Role.ADVERTISER, "/advertisers/{owner}/balance", N_("Balance"), 60),
    MenuEntry(Role.ADVERTISER, "/advertisers/{owner}/postbacks", N_("Postbacks"), 70),
    MenuEntry(Role.ADVERTISER, "/advertisers/{owner}/settings", N_("Settings"), 80),
)
