"""`adunion app`: apps that ask for ads, and their keys."""

from adserver.commands.entity_commands import Wording, entity_group
from adserver.commands.key_commands import app_key
from adserver.marketplace.selling import APP

WORDS = Wording(
    summary="Apps that ask for ads. An app has placements, and a key that it sends as X-App-Key.",
    add_example="""
  adunion app add --id app_reader --name Reader --bundle com.example.reader \\
      --category books --blocked-categories IAB7,IAB25
""",
    edit_example="""
  adunion app edit app_reader --blocked-advertisers adv_tea
""",
    columns=("app_id", "name", "bundle", "category", "blocked_categories", "blocked_advertisers"),
)

command = entity_group(APP, WORDS)
command.add_command(app_key)
