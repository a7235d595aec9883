"""`adunion line-item`: what is bought, for whom, when, at what price."""

from adserver.commands.entity_commands import Wording, entity_group
from adserver.marketplace.buying import LINE_ITEM

WORDS = Wording(
    summary="""What is bought: for whom, when, at what price, with which budgets and caps.

    --target and --exclude take ATTRIBUTE=VALUE,VALUE. An unknown value never matches a --target
    list and is never hit by an --exclude list. docs/catalog.md explains every attribute.""",
    add_example="""
  adunion line-item add --id li_splash --campaign cmp_spring \\
      --name "Splash, readers" --pricing cpm --bid 35.00 \\
      --starts-at "2026-11-22 08:00" --daily-budget 500 \\
      --cap 3/day --cap 10/lifetime/campaign \\
      --target country=CHN,JPN --target age=18..24,25..34 \\
      --target "hour_of_week=mon-fri 9..17" --exclude os=ios
""",
    edit_example="""
  adunion line-item edit li_splash --bid 40 --target country=CHN --clear caps
""",
    columns=("line_item_id", "campaign_id", "name", "pricing", "bid", "starts_at", "ends_at"),
)

command = entity_group(LINE_ITEM, WORDS)
