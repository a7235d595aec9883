"""The advertisers' area: which page and which call is where.

Never here: what they do.
"""

from adserver.console.advertisers import endpoints, money_endpoints as money
from adserver.console.advertisers.changes import DEEDS
from adserver.console.advertisers.page_list import MENU, PAGES
from adserver.console.advertisers.reporting import BREAKDOWNS, SPANS
from adserver.console.advertisers.wire import (
    AdvertiserChange,
    AdvertiserView,
    BalanceView,
    CampaignBody,
    CampaignView,
    DeliveryRow,
    LineItemBody,
    LineItemChange,
    LineItemView,
    MoveView,
    PostbackKeys,
    PostbackTest,
    PostbackView,
    TopUpBody,
    TopUpView,
)
from adserver.console.web.routes import Area, Endpoint

ROOT = "/api/v1/advertisers/{advertiser_id}"
CAMPAIGN = f"{ROOT}/campaigns/{{campaign_id}}"
LINE_ITEM = f"{ROOT}/line-items/{{line_item_id}}"

DAYS = {
    "days": ({"type": "string", "enum": [*SPANS]}, "How many days, today among them; 7 if unsaid")
}
BY = {"by": ({"type": "string", "enum": [*BREAKDOWNS]}, "What the keys are; day if unsaid")}
OF_CAMPAIGN = {"campaign_id": ({"type": "string", "maxLength": 64}, "Only those of this campaign")}
AWAY = (503,)

_DONE = {
    "pause": "Pause",
    "resume": "Resume",
    "archive": "Archive",
    "restore": "Restore",
}

CAMPAIGNS = (
    Endpoint("GET", ROOT, "An advertiser", endpoints.show_advertiser, answer=AdvertiserView),
    Endpoint(
        "PATCH",
        ROOT,
        "Change an advertiser's name, domain or time zone",
        endpoints.change_advertiser,
        body=AdvertiserChange,
        answer=AdvertiserView,
    ),
    Endpoint(
        "GET",
        f"{ROOT}/campaigns",
        "List campaigns",
        endpoints.list_campaigns,
        answer=CampaignView,
        listed=True,
    ),
    Endpoint(
        "POST",
        f"{ROOT}/campaigns",
        "Make a campaign",
        endpoints.add_campaign,
        body=CampaignBody,
        answer=CampaignView,
        status=201,
    ),
    Endpoint("GET", CAMPAIGN, "A campaign", endpoints.show_campaign, answer=CampaignView),
    Endpoint(
        "PATCH",
        CAMPAIGN,
        "Rename a campaign",
        endpoints.rename_campaign,
        body=CampaignBody,
        answer=CampaignView,
    ),
    *(
        Endpoint(
            "POST",
            f"{CAMPAIGN}/{deed}",
            f"{_DONE[deed]} a campaign",
            endpoints.do_to_campaign,
            answer=CampaignView,
        )
        for deed in DEEDS
    ),
)

LINE_ITEMS = (
    Endpoint(
        "GET",
        f"{ROOT}/line-items",
        "List line items",
        endpoints.list_line_items,
        answer=LineItemView,
        listed=True,
        query=OF_CAMPAIGN,
    ),
    Endpoint(
        "POST",
        f"{ROOT}/line-items",
        "Make a line item",
        endpoints.add_line_item,
        body=LineItemBody,
        answer=LineItemView,
        status=201,
    ),
    Endpoint("GET", LINE_ITEM, "A line item", endpoints.show_line_item, answer=LineItemView),
    Endpoint(
        "PATCH",
        LINE_ITEM,
        "Change a line item",
        endpoints.change_line_item,
        body=LineItemChange,
        answer=LineItemView,
    ),
    *(
        Endpoint(
            "POST",
            f"{LINE_ITEM}/{deed}",
            f"{_DONE[deed]} a line item",
            endpoints.do_to_line_item,
            answer=LineItemView,
        )
        for deed in DEEDS
    ),
    Endpoint(
        "POST",
        f"{LINE_ITEM}/duplicate",
        "Copy a line item with its creatives, paused",
        endpoints.duplicate_line_item,
        answer=LineItemView,
        status=201,
    ),
    Endpoint(
        "GET",
        f"{ROOT}/delivery",
        "What each line item delivered",
        endpoints.delivery_of_all,
        answer=DeliveryRow,
        listed=True,
        query=DAYS,
        problems=AWAY,
    ),
    Endpoint(
        "GET",
        f"{LINE_ITEM}/delivery",
        "What a line item delivered, by day, hour, placement, region or creative",
        endpoints.delivery_of_one,
        answer=DeliveryRow,
        listed=True,
        query={**DAYS, **BY},
        problems=AWAY,
    ),
)

MONEY = (
    Endpoint("GET", f"{ROOT}/balance", "What is left", money.show_balance, answer=BalanceView),
    Endpoint(
        "GET",
        f"{ROOT}/balance/moves",
        "What moved on the account, newest first",
        money.list_moves,
        answer=MoveView,
        listed=True,
    ),
    Endpoint(
        "GET",
        f"{ROOT}/top-ups",
        "List announced payments",
        money.list_top_ups,
        answer=TopUpView,
        listed=True,
    ),
    Endpoint(
        "POST",
        f"{ROOT}/top-ups",
        "Announce a payment",
        money.ask_top_up,
        body=TopUpBody,
        answer=TopUpView,
        status=201,
    ),
    Endpoint(
        "POST",
        f"{ROOT}/top-ups/{{top_up_id}}/withdraw",
        "Take back an announced payment",
        money.withdraw_top_up,
        answer=TopUpView,
    ),
)

POSTBACKS = (
    Endpoint(
        "GET",
        f"{ROOT}/postbacks",
        "Where conversions are posted",
        money.show_postbacks,
        answer=PostbackView,
    ),
    Endpoint(
        "POST",
        f"{ROOT}/postbacks/rotate",
        "Make new postback keys",
        money.rotate_postbacks,
        answer=PostbackKeys,
    ),
    Endpoint(
        "POST",
        f"{ROOT}/postbacks/test",
        "Send a signed test conversion",
        money.test_postbacks,
        answer=PostbackTest,
    ),
)

AREA = Area("advertisers", PAGES, (*CAMPAIGNS, *LINE_ITEMS, *MONEY, *POSTBACKS), MENU)
