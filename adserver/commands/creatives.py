"""`adunion creative`: what a line item shows."""

from adserver.commands.entity_commands import Wording, entity_group
from adserver.marketplace.buying import CREATIVE

WORDS = Wording(
    summary="What a line item shows: pictures, words, and where a tap leads.",
    add_example="""
  adunion creative add --id cr_green --line-item li_splash --format splash \\
      --w 1080 --h 1920 --landing-url https://tea.example/spring \\
      --title "First flush" --asset role=image,mime=image/png,w=1080,h=1920,\\
url=https://cdn.tea.example/green.png
""",
    edit_example="""
  adunion creative edit cr_green --title "Second flush" --cta "Taste it"
""",
    columns=("creative_id", "line_item_id", "format", "w", "h", "title", "landing_url"),
)

command = entity_group(CREATIVE, WORDS)
