"""Settings: frozen, read once from the environment (ADUNION_*), explained in docs/settings.md.

Units are in the names. Nothing is configured anywhere else. Without a URL an engine is embedded:
Redis from its wheel, chDB, SQLite.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

PREFIX = "ADUNION_"
TEST_PREFIX = "ADUNION_TEST_"
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")


class SettingError(ValueError):
    """A setting that cannot be used; the message names the variable and what it takes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults. The field's type says how its text is read."""

    data_dir: Path = Path("var")
    redis_url: str = ""
    clickhouse_url: str = ""
    clickhouse_cluster: str = ""
    database_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    console_port: int = 8081
    worker_id: str = "w0"
    public_url: str = ""
    console_url: str = ""
    secret_key: str = ""
    token_keys: str = ""
    currency: str = "CNY"
    time_zone: str = "Asia/Shanghai"
    log_level: str = "INFO"
    seed: int = 0
    user_timeout_ms: int = 20
    max_body_bytes: int = 262_144
    max_orders_bytes: int = 4_194_304
    ad_expires_s: int = 1_800
    click_window_s: int = 7_200
    conversion_window_s: int = 604_800
    outbox_max_rows: int = 5_000_000
    recorder_max_events: int = 100_000
    ship_interval_ms: int = 500
    ship_batch_rows: int = 50_000
    history_interval_s: int = 30
    snapshot_poll_ms: int = 250
    explore_epsilon_ppm: int = 50_000
    explore_new_impressions: int = 1_000
    log_retention_days: int = 0
    datacenter_cidrs_file: str = ""
    trusted_proxies: int = 0
    webhook_private_addresses: int = 0
    media_url: str = ""

    @property
    def console_address(self) -> str:
        """What links into the console begin with."""
        return self.console_url.rstrip("/") or f"http://{self.host}:{self.console_port}"

    @property
    def media_base_url(self) -> str:
        """What addresses of uploaded files begin with, as apps see them."""
        return self.media_url.rstrip("/") or f"{self.console_address}/media"

    @property
    def base_url(self) -> str:
        """What beacon URLs begin with: the public address, or where the worker listens."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"


def from_environment(environ: Mapping[str, str] = os.environ) -> Settings:
    """Reads the settings.

    Raises:
        SettingError: an unknown ADUNION_ variable (most often a typing mistake), a value of the
            wrong type, a time zone that is none.
    """
    known = {PREFIX + field.name.upper(): field for field in fields(Settings)}
    given = {
        name: text
        for name, text in environ.items()
        if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX)
    }
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise SettingError(f"{unknown[0]} is not a setting; docs/settings.md lists them all")
    values: dict[str, Any] = {
        known[name].name: _read(name, known[name].type, text) for name, text in given.items()
    }
    settings = Settings(**values)
    _require_zone(settings.time_zone)
    if settings.redis_url and not settings.redis_url.startswith(REDIS_SCHEMES):
        raise SettingError(f"ADUNION_REDIS_URL begins with {', '.join(REDIS_SCHEMES)}")
    return settings


def _require_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        raise SettingError(
            f"ADUNION_TIME_ZONE={name!r} is not an IANA time zone such as Asia/Shanghai"
        ) from None


def _read(name: str, kind: object, text: str) -> Path | int | str:
    if kind is Path:
        return Path(text)
    if kind is not int:
        return text
    try:
        number = int(text)
    except ValueError:
        raise SettingError(f"{name}={text!r} is not a whole number") from None
    if number < 0:
        raise SettingError(f"{name}={text} is negative")
    return number
