"""`adunion advertiser`: who buys ads, the keys of their postbacks, what they pay in."""

from adserver.commands.advertiser_deposit import advertiser_deposit, advertiser_deposits
from adserver.commands.entity_commands import Wording, entity_group
from adserver.commands.key_commands import advertiser_key
from adserver.marketplace.buying import ADVERTISER

WORDS = Wording(
    summary="Who buys ads. An advertiser has campaigns, a time zone, and a key for its postbacks.",
    add_example="""
  adunion advertiser add --id adv_tea --name "Mountain Tea" \\
      --time-zone Asia/Shanghai --categories IAB8
""",
    edit_example="""
  adunion advertiser edit adv_tea --domain tea.example --clear categories
""",
    columns=("advertiser_id", "name", "time_zone", "categories", "domain"),
)

command = entity_group(ADVERTISER, WORDS)
command.add_command(advertiser_key)
command.add_command(advertiser_deposit)
command.add_command(advertiser_deposits)
