"""How the console looks, as an area: the design page, and the switch of language and theme.

Never here: rendering (`console.web.rendering`) or the components (`console/templates`).
"""

from adserver.console.look.pages import DESIGN_PATH, SWITCH_PATH, design, switch
from adserver.console.web.routes import Area, Page

AREA = Area(
    "look",
    pages=(
        Page("GET", DESIGN_PATH, design, public=True),
        Page("POST", SWITCH_PATH, switch, public=True),
    ),
)
