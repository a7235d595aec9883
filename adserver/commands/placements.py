"""`adunion placement`: the slots of an app."""

from adserver.commands.entity_commands import Wording, entity_group
from adserver.marketplace.selling import PLACEMENT

WORDS = Wording(
    summary="The slots of an app: which ads fit, and the least they pay.",
    add_example="""
  adunion placement add --id pl_splash --app app_reader --name "Cold start" \\
      --format splash --size 1080x1920 --floor-cpm 5.00
""",
    edit_example="""
  adunion placement edit pl_splash --floor-cpm 6.50 --max-ads 1
""",
    columns=("placement_id", "app_id", "name", "format", "sizes", "floor_cpm", "max_ads"),
)

command = entity_group(PLACEMENT, WORDS)
