"""`adunion campaign`: groups of line items with one purpose."""

from adserver.commands.entity_commands import Wording, entity_group
from adserver.marketplace.buying import CAMPAIGN

WORDS = Wording(
    summary="Groups of an advertiser's line items with one purpose.",
    add_example="""
  adunion campaign add --id cmp_spring --advertiser adv_tea --name "Spring harvest"
""",
    edit_example="""
  adunion campaign edit cmp_spring --name "Spring harvest, 2nd flush"
""",
    columns=("campaign_id", "advertiser_id", "name"),
)

command = entity_group(CAMPAIGN, WORDS)
