"""Keys in Authorization headers, and signed bodies: whose word it is.

Never here: whether the owner may do what is asked. The one surprising fact: a key says by itself
that we once made it; only who knows the owner's generation knows that it was not replaced since.
"""

import hmac

from adserver.api.problems import UnauthorizedError
from adserver.api.signing import signature_fault
from adserver.keyring import Keyring

LONGEST_GENERATION = 9


def owner_of_key(keyring: Keyring, kind: str, authorization: str) -> tuple[str, int]:
    """The owner of a bearer key of a kind ("merchant") and the generation of the key.

    Raises:
        UnauthorizedError: no key, or none that we made.
    """
    scheme, _, key = authorization.partition(" ")
    key = key.strip()
    is_key = key.count(".") >= 2 and key.isprintable()
    owner, generation, _ = key.rsplit(".", 2) if is_key else ("", "", "")
    is_number = generation.isascii() and generation.isdecimal()
    if scheme.lower() == "bearer" and is_number and len(generation) <= LONGEST_GENERATION:
        real = keyring.api_key(kind, owner, int(generation)).encode("utf-8", "replace")
        if hmac.compare_digest(real, key.encode("utf-8", "replace")):
            return owner, int(generation)
    raise UnauthorizedError(f"send Authorization: Bearer with the {kind}'s key")


def sender_of_body(
    keyring: Keyring, kind: str, headers: tuple[str, str], body: bytes, now_s: float
) -> tuple[str, int]:
    """The owner of the key and the signature under a body; `headers` are the two as sent.

    Raises:
        UnauthorizedError: no such key, a forged signature, or one more than 5 minutes old.
    """
    authorization, signature = headers
    owner, generation = owner_of_key(keyring, kind, authorization)
    secret = keyring.signing_secret(kind, owner, generation)
    if fault := signature_fault(signature, secret, body, now_s):
        raise UnauthorizedError(fault)
    return owner, generation
