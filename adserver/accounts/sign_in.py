"""Signing in with e-mail and password, and changing the password.

Never here: cookies. The one surprising fact: whether an address has an account is not told by words
nor by time: an unknown one costs a password check as well.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine

from adserver.accounts import attempts, passwords, sessions, users
from adserver.accounts.attempts import Try
from adserver.accounts.identity import Identity
from adserver.accounts.refusal import refusal
from adserver.stores import audit, database

NOT_RIGHT = "this is not your password"
TOO_OFTEN = "too many wrong passwords; try again later"


class Reason(StrEnum):
    """Why nobody was signed in."""

    WRONG = "wrong"
    TOO_OFTEN = "too_often"
    DISABLED = "disabled"  # told only to who knows the password


@dataclass(frozen=True, slots=True)
class SignInRefused:
    """No session was begun; after `retry_after_s` seconds a try is listened to again."""

    reason: Reason
    retry_after_s: int = 0


def sign_in(
    engine: Engine, email: str, password: str, address: str, now: datetime
) -> str | SignInRefused:
    """A new session's token, never one that was there before, or why there is none."""
    tried = Try(users.email_key(email), address)
    with database.writing(engine) as connection:
        wait = attempts.count(connection, tried, now)
    if wait:
        return SignInRefused(Reason.TOO_OFTEN, wait)
    with database.reading(engine) as connection:
        found = users.by_email(connection, email)
    if not passwords.is_right(password, found[1] if found else "") or found is None:
        return SignInRefused(Reason.WRONG)
    return _signed_in(engine, found[0].user_id, tried, now)


def _signed_in(engine: Engine, user_id: str, tried: Try, now: datetime) -> str | SignInRefused:
    with database.writing(engine) as connection:
        attempts.forgive(connection, tried, now)
        user = users.find(connection, user_id)
        if user is None or user.disabled:
            return SignInRefused(Reason.DISABLED)
        users.seen(connection, user, now)
        audit.record(connection, users.Own.of(user), "sign in", users.KIND, user_id, None, {}, now)
        return sessions.begin_within(connection, user_id, now)


def change_password(
    engine: Engine, who: Identity, passwords_given: tuple[str, str], address: str, now: datetime
) -> None:
    """Lets somebody who is signed in take another password; only the session of now goes on.

    `passwords_given` are the old and the new one.

    Raises:
        CatalogError: the old one is not right, or the new one cannot be taken.
    """
    old, new = passwords_given
    tried = Try(who.user_id, address)
    with database.writing(engine) as connection:
        wait = attempts.count(connection, tried, now)
    if wait:
        raise refusal(users.KIND, who.user_id, TOO_OFTEN, "old_password")
    with database.reading(engine) as connection:
        found = users.by_email(connection, who.actor)
    if found is None or not passwords.is_right(old, found[1]):
        raise refusal(users.KIND, who.user_id, NOT_RIGHT, "old_password")
    kept = users.checked_hash(new, who.actor)
    with database.writing(engine) as connection:
        attempts.forgive(connection, tried, now)
        users.set_password(connection, found[0], kept, who, now, keep_session=who.session_id)
