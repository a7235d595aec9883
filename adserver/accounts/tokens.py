"""Chance as text, what is kept of it, and ids.

Never here: passwords, which people choose (`passwords`). The one surprising fact: 256 bits cannot
be guessed, so a plain SHA-256 of them is kept and no salt is needed.
"""

import hashlib
import secrets

_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LETTERS = 16


def make_token() -> str:
    """256 bits of chance as text that fits into a URL or a cookie."""
    return secrets.token_urlsafe(32)


def make_id(prefix: str = "") -> str:
    """An id such as "u_7x0q2m9c4t5v8w1k"; without prefix the 16 letters alone."""
    letters = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LETTERS))
    return f"{prefix}_{letters}" if prefix else letters


def digest_of(text: str) -> str:
    """What is kept of a token: SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
