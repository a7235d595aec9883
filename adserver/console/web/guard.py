"""Who may come in: sessions, keys, the owner in the path, and the token that forms carry.

Never here: how a password or key is checked (`adserver.accounts`). The one surprising fact: what is
somebody else's answers 404, exactly as if it did not exist.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine

from adserver.accounts import keys, sessions
from adserver.accounts.identity import Identity, Role
from adserver.api.problems import ForbiddenError, NotFoundError, UnauthorizedError
from adserver.console.web.routes import OWNERS
from adserver.keyring import Keyring

SESSION = "adunion_session"
VISITOR = "adunion_visitor"
CSRF = "csrf"
STALE_FORM = "this form is too old or was not ours: go back, load the page again and send it anew"


def identity_of_key(engine: Engine, authorization: str, now: datetime) -> Identity:
    """Who a bearer key acts for.

    Raises:
        UnauthorizedError: no key, or none that is in force.
    """
    scheme, _, key = authorization.partition(" ")
    known = keys.identity_of_key(engine, key.strip(), now) if scheme.lower() == "bearer" else None
    if known is None:
        raise UnauthorizedError(
            "send Authorization: Bearer with an API key",
            headers=(("WWW-Authenticate", 'Bearer realm="adunion"'),),
        )
    return known


def identity_of_session(
    engine: Engine, cookies: Mapping[str, str], now: datetime
) -> Identity | None:
    """Who is signed in; None when nobody is."""
    token = cookies.get(SESSION, "")
    return sessions.identity_of_session(engine, token, now) if token else None


def let_in(who: Identity, roles: frozenset[Role], params: Mapping[str, str]) -> None:
    """Returns when the path is for this identity.

    Raises:
        NotFoundError: it is another role's, or another owner's.
    """
    allowed = who.role in roles or who.is_operator
    for name, role in OWNERS.items():
        if name in params:
            allowed = allowed and who.may_see(role, params[name])
            break
    else:
        allowed = who.role in roles
    if not allowed or not all(param.isprintable() for param in params.values()):
        raise NotFoundError("nothing lives at this path")


def new_visitor() -> str:
    """A cookie value that the forms of somebody without session are tied to."""
    return secrets.token_urlsafe(24)


def form_token(keyring: Keyring, cookies: Mapping[str, str]) -> str:
    """What a form must carry to be believed: it follows from the session, or the visitor's cookie.

    "" when there is neither.
    """
    origin = cookies.get(SESSION, "") or cookies.get(VISITOR, "")
    if not origin:
        return ""
    form = f"form:{origin}".encode(errors="surrogateescape")  # a cookie may hold any byte
    return hmac.new(keyring.secret_key, form, hashlib.sha256).hexdigest()


def believe(
    keyring: Keyring, cookies: Mapping[str, str], headers: Mapping[str, str], sent: str
) -> None:
    """Returns when a form came from a page of ours.

    Raises:
        ForbiddenError: it did not, or cannot be told.
    """
    token = form_token(keyring, cookies)
    foreign = headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}
    if foreign or not token or not hmac.compare_digest(token.encode(), sent.encode()):
        raise ForbiddenError(STALE_FORM)
