"""The design page and the switch of language and theme.

Never here: accounts. The one surprising fact: both are public, so that the sign-in page too can be
read in either language and in the dark; the choice is kept in cookies.
"""

from adserver.console.desk import Desk
from adserver.console.look.specimens import specimens
from adserver.console.web import language
from adserver.console.web.exchange import LANGUAGES, Call, Html, See
from adserver.console.web.rendering import THEME_COOKIE, THEMES

DESIGN_PATH = "/design"
SWITCH_PATH = "/look"


def design(_: Desk, call: Call) -> Html:
    """`GET /design`: every token and component, alive."""
    return Html("look/design.html", specimens(call.language))


def switch(_: Desk, call: Call) -> See:
    """`POST /look`: keeps the chosen language or theme and goes back to where it was chosen."""
    asked = {
        language.COOKIE: (call.form.get("language", ""), LANGUAGES),
        THEME_COOKIE: (call.form.get("theme", ""), THEMES),
    }
    kept = {name: value for name, (value, known) in asked.items() if value in known}
    return See(local_path(call.form.get("next", "")), cookies=kept)


def local_path(text: str) -> str:
    """A path of this console, or "/": never another site, whatever was sent."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") else "/"
