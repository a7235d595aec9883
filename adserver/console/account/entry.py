"""The way in and out: signing in, signing out, links of invitations.

Never here: how a password is checked. The one surprising fact: signing in always begins a session
of its own and ends the one that the browser held, so a token that somebody planted is worth
nothing.
"""

from http import HTTPStatus
from typing import Any

from adserver.accounts import invitations, sessions, users
from adserver.accounts.sign_in import Reason, SignInRefused, sign_in
from adserver.console.account.words import errors_of, start_of
from adserver.console.desk import Desk
from adserver.console.look.pages import local_path
from adserver.console.web import language
from adserver.console.web.exchange import Call, Html, Reply, See
from adserver.console.web.guard import SESSION
from adserver.console.web.language import N_
from adserver.console.web.rendering import THEME_COOKIE
from adserver.marketplace.problem import CatalogError
from adserver.stores import database

SIGN_IN = "/sign-in"
_SIGN_IN_PAGE, _INVITATION_PAGE = "account/sign_in.html", "account/invitation.html"

WRONG = N_("The e-mail address or the password is wrong.")
DISABLED = N_("This account is disabled. Ask the person who invited you.")
TOO_OFTEN = N_("Too many wrong passwords. Try again in %(minutes)s minutes.")
SIGNED_OUT = N_("You are signed out.")


def home(_: Desk, call: Call) -> See:
    """`GET /`: to where somebody's work begins."""
    return See(start_of(call))


def show_sign_in(_: Desk, call: Call) -> Reply:
    """`GET /sign-in?next=`: the form; somebody who is signed in goes on."""
    wanted = local_path(call.query.get("next", "/"))
    if call.who is not None:
        return See(wanted)
    return Html(_SIGN_IN_PAGE, {"next": wanted, "email": "", "errors": {}})


def take_sign_in(desk: Desk, call: Call) -> Reply:
    """`POST /sign-in`: a new session, and on to where somebody wanted to go."""
    email, password = call.form.get("email", ""), call.form.get("password", "")
    wanted = local_path(call.form.get("next", "/"))
    answer = sign_in(desk.engine, email, password, call.address, call.now)
    if isinstance(answer, SignInRefused):
        values = {"next": wanted, "email": email, "errors": {"": _refusal(call, answer)}}
        return Html(_SIGN_IN_PAGE, values, _status(answer))
    return _let_in(desk, call, answer, wanted)


def take_sign_out(desk: Desk, call: Call) -> See:
    """`POST /sign-out`: ends the session."""
    _forget(desk, call)
    return See(SIGN_IN, SIGNED_OUT, {SESSION: ""})


def show_invitation(desk: Desk, call: Call) -> Reply:
    """`GET /invitations/{token}`: choose a password."""
    with database.reading(desk.engine) as connection:
        found = invitations.of_token(connection, call.params["token"], call.now)
    if found is None:
        return Html(_INVITATION_PAGE, {"invitation": None, "errors": {}}, HTTPStatus.NOT_FOUND)
    return Html(_INVITATION_PAGE, {"invitation": found, "errors": {}})


def take_invitation(desk: Desk, call: Call) -> Reply:
    """`POST /invitations/{token}`: the password is kept, and its owner is signed in."""
    token, password = call.params["token"], call.form.get("password", "")
    try:
        user_id = invitations.accept(desk.engine, token, password, call.now)
    except CatalogError as error:
        with database.reading(desk.engine) as connection:
            found = invitations.of_token(connection, token, call.now)
        refused: dict[str, Any] = {"invitation": found, "errors": errors_of(call, error)}
        return Html(_INVITATION_PAGE, refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    with database.reading(desk.engine) as connection:
        user = users.find(connection, user_id)
    if user is None or user.disabled:
        values = {"next": "/", "email": "", "errors": {"": call._(DISABLED)}}
        return Html(_SIGN_IN_PAGE, values, HTTPStatus.UNPROCESSABLE_ENTITY)
    return _let_in(desk, call, sessions.begin(desk.engine, user_id, call.now), "/")


def _let_in(desk: Desk, call: Call, token: str, wanted: str) -> See:
    """Sets the session, and the pages as their reader likes them."""
    _forget(desk, call)
    cookies = {SESSION: token}
    who = sessions.identity_of_session(desk.engine, token, call.now)
    with database.reading(desk.engine) as connection:
        user = users.find(connection, who.user_id) if who else None
    if user is not None and user.language:
        cookies |= {language.COOKIE: user.language, THEME_COOKIE: user.theme}
    return See(wanted, cookies=cookies)


def _forget(desk: Desk, call: Call) -> None:
    """Ends the session that the browser holds, if it holds one."""
    if call.who is not None:
        sessions.end(desk.engine, call.cookies.get(SESSION, ""))


def _refusal(call: Call, refused: SignInRefused) -> str:
    if refused.reason is Reason.TOO_OFTEN:
        minutes = -(-refused.retry_after_s // 60)
        return call._(TOO_OFTEN) % {"minutes": minutes}
    return call._(DISABLED if refused.reason is Reason.DISABLED else WRONG)


def _status(refused: SignInRefused) -> HTTPStatus:
    if refused.reason is Reason.TOO_OFTEN:
        return HTTPStatus.TOO_MANY_REQUESTS
    return HTTPStatus.UNPROCESSABLE_ENTITY
