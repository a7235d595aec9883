"""Passwords: which are refused, how they are kept (argon2id), and whether one is right.

Never here: who tries how often (`sign_in`). The one surprising fact: checking one costs 19 MiB and
some 30 ms on purpose, so only two are checked at a time and the console stays small.
"""

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 10, 200
_FEWEST_LETTERS = 4
_AT_ONCE = threading.BoundedSemaphore(2)
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The least that OWASP's Password Storage Cheat Sheet recommends for argon2id."""

TOO_SHORT = "a password has at least 10 characters"
TOO_LONG = "a password has at most 200 characters"
TOO_PLAIN = "a password is not the e-mail address and not one letter again and again"


def fault_of(password: str, email: str) -> str:
    """Why a password cannot be taken; "" when it can."""
    password = _normal(password)
    if len(password) < SHORTEST:
        return TOO_SHORT
    if len(password) > LONGEST:
        return TOO_LONG
    if password.casefold() == email.casefold() or len(set(password)) < _FEWEST_LETTERS:
        return TOO_PLAIN
    return ""


def hash_of(password: str) -> str:
    """What is kept of a password, salt and costs included."""
    with _AT_ONCE:
        return _hasher.hash(_normal(password))


def is_right(password: str, kept: str) -> bool:
    """Whether this is the password. With `kept` "" it takes as long and is never right."""
    password = _normal(password)[: LONGEST + 1]
    with _AT_ONCE:
        try:
            return _hasher.verify(kept or _nobodys(), password) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody's")


def _normal(password: str) -> str:
    """The same bytes whichever keyboard composed the letters (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode()
