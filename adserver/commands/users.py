"""`adunion users`: what is known of users, put in and looked at.

Never here: how it lies in Redis (`stores.users`). The surprising fact: nobody's id is stored. The
id in the file becomes a keyed hash, so only who has the house's secrets can find a user again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from adserver import keyring
from adserver.commands.profile_file import Batch, ProfileFileError, batches, unknown_columns
from adserver.config import Settings, from_environment
from adserver.embedded import EmbeddedRedisError, redis_running
from adserver.keyring import Keyring
from adserver.ports import StoreAwayError
from adserver.stores.packed_profile import packed
from adserver.stores.redis_client import RedisLine
from adserver.stores.users import RedisUsers
from models.domain.ids import UserKey
from models.domain.user import UserProfile, UserState

PATIENCE_S = 10.0
BAD_ROWS_SHOWN = 20
Answer = TypeVar("Answer")


@click.group()
def command() -> None:
    """User profiles: up to 24 features a user, by which ads are picked.

    docs/user-state.md lists the features and where they are kept.
    """


@command.command("import", epilog="\b\nExample:\n  adunion users import users.parquet")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def import_(file: Path) -> None:
    """Store the profiles in FILE (Parquet, CSV or CSV.gz), visible to the next ad request.

    One row a user: `user_id` as apps send it, and any of the features of docs/user-state.md. A
    user's profile is replaced whole. Rows that cannot be read are listed and left out.
    """
    settings = from_environment()
    try:
        unknown = unknown_columns(file)
        stored, bad = _with_users(settings, lambda users: _import(users, settings, file))
    except ProfileFileError as trouble:
        raise click.ClickException(str(trouble)) from trouble
    if unknown:
        click.echo(f"Columns without a meaning here: {', '.join(unknown)}.", err=True)
    click.echo(f"{stored:,} profiles stored.")
    if bad:
        for line, words in bad[:BAD_ROWS_SHOWN]:
            click.echo(f"{file}:{line}: {words}", err=True)
        raise click.ClickException(f"{len(bad):,} rows were left out.")


@command.command(epilog="\b\nExample:\n  adunion users show u000042")
@click.argument("user_id")
def show(user_id: str) -> None:
    """Show the profile of USER_ID and which line items this user has seen."""
    settings = from_environment()
    key = keyring.load(settings).user_key(user_id)
    state = _with_users(settings, lambda users: users.load(key, personalized=True))
    if not state.loaded:
        raise click.ClickException("Redis does not answer.")
    console = Console()
    for table in _tables(state):
        console.print(table)


@command.command(epilog="\b\nExample:\n  adunion users forget u000042")
@click.argument("user_id")
def forget(user_id: str) -> None:
    """Remove all that is kept of USER_ID for serving: profile, what was seen, clicks.

    The event log has no user id in it, only a keyed hash; it is not changed.
    """
    settings = from_environment()
    key = keyring.load(settings).user_key(user_id)
    _with_users(settings, lambda users: users.forget(key))
    click.echo(f"Nothing is kept of {user_id} any more.")


async def _import(
    users: RedisUsers, settings: Settings, file: Path
) -> tuple[int, list[tuple[int, str]]]:
    """How many were stored, and which lines were not, with the reason."""
    keys, stored = keyring.load(settings), 0
    bad: list[tuple[int, str]] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[stored]:,} users"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(file.name, total=1.0, stored=0)
        for batch in batches(file):
            stored += await users.save_packed(_packed(batch, keys))
            bad += batch.bad
            progress.update(task, completed=batch.done, stored=stored)
    return stored, sorted(bad)


def _packed(batch: Batch, keys: Keyring) -> list[tuple[UserKey, bytes]]:
    """What can be stored; the rest joins the batch's bad rows."""
    values: list[tuple[UserKey, bytes]] = []
    for user_id, profile, line in batch.profiles:
        try:
            values.append((keys.user_key(user_id), packed(profile)))
        except ValueError as trouble:
            batch.bad.append((line, str(trouble)))
    return values


def _with_users(settings: Settings, work: Callable[[RedisUsers], Awaitable[Answer]]) -> Answer:
    """Runs the work on the Redis of these settings, starting the embedded one if need be."""

    async def opened(url: str) -> Answer:
        line = RedisLine(url, timeout_s=PATIENCE_S)
        try:
            return await work(RedisUsers(line, timeout_ms=int(PATIENCE_S * 1000)))
        finally:
            await line.close()

    try:
        with redis_running(settings) as url:
            return asyncio.run(opened(url))
    except (StoreAwayError, EmbeddedRedisError) as away:
        raise click.ClickException(str(away)) from away


def _tables(state: UserState) -> list[Table]:
    profile = Table("feature", "value", title="Profile")
    for feature in fields(UserProfile):
        value = getattr(state.profile, feature.name)
        if value:
            text = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            profile.add_row(feature.name, text)
    exposures = Table("line item", "impressions", "last day", "last seen (UTC)", title="Seen")
    for line_item, seen in state.exposures.items():
        last = datetime.fromtimestamp(seen.last_seen_s, UTC)
        exposures.add_row(line_item, str(seen.lifetime), str(seen.in_day), f"{last:%F %T}")
    return [profile, exposures]
