"""The house's secrets and everything derived from them.

Beacon signing keys, app and postback keys, user keys.

Secrets come from the settings or, on one machine, from a file made at first start. The one
surprising fact: API keys are not stored anywhere. They are derived from the secret key, the owner
and a generation number in the catalog, so rotating a key is raising that number.
"""

import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adserver.config import SettingError, Settings
from models.domain.ids import UserKey

SECRETS_FILE = "secrets.json"
SHORTEST_TOKEN_KEY = 16
SHORTEST_SECRET = 16
LONGEST_KEY_ID = 32


@dataclass(frozen=True, slots=True)
class Keyring:
    """`token_keys` maps key ids to keys; the first signs, all verify."""

    secret_key: bytes
    token_keys: dict[str, bytes]

    def api_key(self, kind: str, owner: str, generation: int) -> str:
        """The key that `owner` sends: "owner.generation.tag". Kinds: "app", "advertiser"."""
        return f"{owner}.{generation}.{self._tag(f'key:{kind}:{owner}:{generation}')}"

    def signing_secret(self, kind: str, owner: str, generation: int) -> str:
        """What `owner` signs its server-to-server calls with."""
        return self._tag(f"sign:{kind}:{owner}:{generation}", size=32)

    def user_key(self, user_id: str) -> UserKey:
        """A device or user id as 63 bits that mean nothing outside this house."""
        digest = hashlib.blake2b(user_id.encode(), digest_size=8, key=self.secret_key[:64])
        return UserKey(int.from_bytes(digest.digest(), "little") >> 1)

    def _tag(self, text: str, size: int = 16) -> str:
        return hashlib.blake2b(
            text.encode(), digest_size=size, key=self.secret_key[:64]
        ).hexdigest()


def load(settings: Settings) -> Keyring:
    """Secrets from the settings, each one missing there from the file, made on first use.

    Raises:
        SettingError: a secret that can be guessed, token keys that are short or not written as
            "id:hex,id:hex", a secrets file that is damaged.
    """
    kept = {} if settings.secret_key and settings.token_keys else _kept(settings.data_dir)
    secret = (settings.secret_key or kept["secret_key"]).encode()
    if len(secret) < SHORTEST_SECRET:
        raise SettingError(f"ADUNION_SECRET_KEY has {len(secret)} bytes, needs {SHORTEST_SECRET}")
    return Keyring(secret, _token_keys(settings.token_keys or kept["token_keys"]))


def _token_keys(text: str) -> dict[str, bytes]:
    try:
        pairs = [pair.strip().split(":", 1) for pair in text.split(",")]
        keys = {key_id: bytes.fromhex(key) for key_id, key in pairs}
    except ValueError:
        pairs, keys = [], {}
    lengths = [1 <= len(key_id.encode()) <= LONGEST_KEY_ID for key_id in keys]
    lengths += [len(key) >= SHORTEST_TOKEN_KEY for key in keys.values()]
    if not keys or len(keys) < len(pairs) or not all(lengths):
        raise SettingError(
            'ADUNION_TOKEN_KEYS is written "id:hex,id:hex", the signing key first; '
            f"an id has at most {LONGEST_KEY_ID} letters and stands once, "
            f"a key has at least {SHORTEST_TOKEN_KEY} bytes"
        )
    return keys


def _kept(data_dir: Path) -> dict[str, str]:
    """The secrets file. Several processes may start at once: the first to link its file wins."""
    path = data_dir / SECRETS_FILE
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        made = {"secret_key": secrets.token_hex(32), "token_keys": f"k1:{secrets.token_hex(32)}"}
        aside = path.with_suffix(f".{secrets.token_hex(8)}")
        try:
            with open(aside, "x", opener=_for_the_owner) as file:
                json.dump(made, file)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(aside, path)
        finally:
            aside.unlink()
    try:
        kept: dict[str, str] = json.loads(path.read_text())
        return {name: str(kept[name]) for name in ("secret_key", "token_keys")}
    except (ValueError, TypeError, KeyError):
        raise SettingError(
            f"{path} is damaged. Put it back from a copy: with new secrets every key and every "
            "user would be another"
        ) from None


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
