"""`/account`: one's own password, sessions, language and theme.

Never here: other people. The one surprising fact: language and theme are cookies for this browser
and are kept with the account for the next one.
"""

from http import HTTPStatus

from adserver.accounts import sessions, users
from adserver.accounts.sign_in import change_password
from adserver.accounts.users import THEMES
from adserver.api.problems import NotFoundError
from adserver.console.account.words import LANGUAGE_NAMES, NOTHING_THERE, ROLES, errors_of
from adserver.console.desk import Desk
from adserver.console.web import language
from adserver.console.web.exchange import LANGUAGES, Call, Html, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.rendering import THEME_COOKIE
from adserver.marketplace.problem import CatalogError
from adserver.stores import audit, database

PATH = "/account"
_PAGE = "account/own.html"
THEME_NAMES = {"auto": N_("As the device"), "light": N_("Light"), "dark": N_("Dark")}

SAVED = N_("Saved.")
PASSWORD_CHANGED = N_("Your password is changed. You are signed out everywhere else.")
SESSIONS_ENDED = N_("You are signed out everywhere else.")


def show(desk: Desk, call: Call) -> Html:
    """`GET /account`."""
    return _page(desk, call, {})


def take_taste(desk: Desk, call: Call) -> See:
    """`POST /account`: language and theme."""
    tongue, theme = call.form.get("language", ""), call.form.get("theme", "")
    tongue = tongue if tongue in LANGUAGES else call.language
    theme = theme if theme in THEMES else THEMES[0]
    with database.writing(desk.engine) as connection:
        users.prefer(connection, call.identity.user_id, tongue, theme)
    return See(PATH, SAVED, {language.COOKIE: tongue, THEME_COOKIE: theme})


def take_password(desk: Desk, call: Call) -> Reply:
    """`POST /account/password`."""
    given = (call.form.get("old_password", ""), call.form.get("password", ""))
    try:
        change_password(desk.engine, call.identity, given, call.address, call.now)
    except CatalogError as error:
        return _page(desk, call, errors_of(call, error), HTTPStatus.UNPROCESSABLE_ENTITY)
    return See(PATH, PASSWORD_CHANGED)


def end_sessions(desk: Desk, call: Call) -> See:
    """`POST /account/sessions/end`: signs out everywhere else."""
    who = call.identity
    with database.writing(desk.engine) as connection:
        ended = sessions.end_others(connection, who)
        audit.record(
            connection, who, "end sessions", users.KIND, who.user_id, None, {"ended": ended},
            call.now,
        )  # fmt: skip
    return See(PATH, SESSIONS_ENDED)


def _page(desk: Desk, call: Call, errors: dict[str, str], status: int = HTTPStatus.OK) -> Html:
    who = call.identity
    with database.reading(desk.engine) as connection:
        user = users.find(connection, who.user_id)
        others = sessions.count(connection, who.user_id, call.now) - 1
    if user is None:
        raise NotFoundError(NOTHING_THERE)
    theme = call.cookies.get(THEME_COOKIE, user.theme)
    values = {
        "user": user,
        "role": call._(ROLES[who.role]),
        "others": others,
        "languages": LANGUAGE_NAMES,
        "themes": [(name, call._(text)) for name, text in THEME_NAMES.items()],
        "chosen_theme": theme if theme in THEMES else THEMES[0],
        "errors": errors,
    }
    return Html(_PAGE, values, status)
