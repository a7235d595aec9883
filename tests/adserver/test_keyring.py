"""Secrets: made once, readable by their owner only; keys derived from them."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adserver import keyring
from adserver.config import SettingError, Settings

SECRET = "a secret of 16 b"


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    assert keyring.load(settings) == keyring.load(settings)


def test_only_the_owner_reads_the_secrets(tmp_path: Path) -> None:
    keyring.load(Settings(data_dir=tmp_path))
    mode = (tmp_path / keyring.SECRETS_FILE).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_processes_that_start_at_once_agree_on_the_secrets(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as threads:
        rings = list(threads.map(lambda _: keyring.load(settings), range(32)))
    assert len({ring.secret_key for ring in rings}) == 1
    assert [path.name for path in tmp_path.iterdir()] == [keyring.SECRETS_FILE]


def test_settings_come_before_the_file_and_need_none(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, secret_key=SECRET, token_keys=f"new:{'aa' * 16}, old:{'bb' * 16}"
    )
    ring = keyring.load(settings)
    assert ring.secret_key == SECRET.encode()
    assert ring.token_keys == {"new": b"\xaa" * 16, "old": b"\xbb" * 16}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        *("aa", "k1:xyz", f"k1:{'aa' * 16},", ":", "k1:aa", f":{'aa' * 16}"),
        f"k1:{'aa' * 16},k1:{'bb' * 16}",
        f"{'k' * 33}:{'aa' * 16}",
    ],
)
def test_token_keys_written_wrongly_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingError, match="ADUNION_TOKEN_KEYS"):
        keyring.load(Settings(data_dir=tmp_path, secret_key=SECRET, token_keys=text))


def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="ADUNION_SECRET_KEY has 15 bytes"):
        keyring.load(Settings(data_dir=tmp_path, secret_key=SECRET[:15]))


@pytest.mark.parametrize("text", ["", '{"secret_key": ', "{}", "[]", "7", '{"secret_key": "aa"}'])
def test_a_damaged_secrets_file_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / keyring.SECRETS_FILE
    path.write_text(text)
    with pytest.raises(SettingError, match=f"{keyring.SECRETS_FILE} is damaged"):
        keyring.load(Settings(data_dir=tmp_path))
    assert path.read_text() == text


def test_keys_differ_by_kind_owner_generation_and_house() -> None:
    houses = [keyring.Keyring(secret, {}) for secret in (b"one", b"two")]
    keys = {
        house.api_key(kind, owner, generation)
        for house in houses
        for kind in ("app", "advertiser")
        for owner in ("x", "y")
        for generation in (1, 2)
    }
    assert len(keys) == 16


def test_a_user_key_fits_in_a_signed_64_bit_column() -> None:
    house = keyring.Keyring(b"one", {})
    assert all(0 <= house.user_key(f"user {n}") < 2**63 for n in range(1000))
