"""`adunion admin`: people and their way into the console.

Never here: what they may do there. The one surprising fact: it needs no running console and no
account, because who can read the database is its operator anyway.
"""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
import msgspec
from sqlalchemy import Engine

from adserver.accounts import invitations, keys, organisations, passwords, users
from adserver.accounts.identity import COMMAND, Role
from adserver.accounts.refusal import refusal
from adserver.accounts.users import User
from adserver.commands.catalog_access import database_answers, print_json, print_list
from adserver.commands.entity_commands import AS_JSON
from adserver.config import Settings, from_environment
from adserver.stores import audit, database, migrations
from adserver.stores.audit import Line, Sought

_EMAIL = click.option("--email", required=True, help="The address to sign in with.")
_ROLE = click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.OPERATOR.value,
    show_default=True,
    help="Whose pages: the house's, or those of one owner.",
)
_OWNER = click.option(
    "--owner",
    default="",
    metavar="ID",
    help="The advertiser, partner or merchant; not for operators.",
)
_STDIN = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)
_COLUMNS = ("email", "role", "owner", "organisation", "disabled", "signed_in_at")


@click.group()
def command() -> None:
    """Let people into the console.

    \b
    The first steps of a new house:
      adunion admin create --email you@house.example     the first operator
      adunion admin invite --role partner --owner p_reader --email ann@reader.example
    """


@command.command(epilog="\b\nExample:\n  adunion admin create --email you@house.example")
@_EMAIL
@_ROLE
@_OWNER
@_STDIN
@AS_JSON
def create(email: str, role: str, owner: str, password_stdin: bool, as_json: bool) -> None:
    """Make a user. The password is asked for; without a terminal it is made up and printed."""
    settings = from_environment()
    password, made_up = _password(password_stdin)
    with _opened(settings) as engine:
        now = datetime.now(UTC)
        kept = users.checked_hash(password, email)
        with database.writing(engine) as connection:
            house = organisations.ensure(connection, Role(role), owner, COMMAND, now)
            user = users.add(connection, house.organisation_id, email, kept, now)
    _tell(settings, user, password if made_up else "", as_json)


@command.command(
    epilog="\b\nExample:\n  adunion admin invite --role partner --owner p_reader \\\n"
    "      --email ann@reader.example"
)
@_EMAIL
@_ROLE
@_OWNER
@AS_JSON
def invite(email: str, role: str, owner: str, as_json: bool) -> None:
    """Print a link with which somebody chooses a password; it works once, for 7 days."""
    settings = from_environment()
    with _opened(settings) as engine, database.writing(engine) as connection:
        now = datetime.now(UTC)
        house = organisations.ensure(connection, Role(role), owner, COMMAND, now)
        made, token = invitations.invite(connection, house.organisation_id, email, COMMAND, now)
    link = f"{settings.console_address}/invitations/{token}"
    if as_json:
        print_json({"email": made.email, "link": link, "ends_at": made.ends_at.isoformat()})
        return
    click.echo(f"Send this link to {made.email}; it works once, until {made.ends_at:%Y-%m-%d}:")
    click.echo(link)


@command.command(
    epilog="\b\nExample:\n  adunion admin key --role advertiser --owner adv_tea --name reports"
)
@_ROLE
@_OWNER
@click.option("--name", required=True, help="What the key is for.")
@AS_JSON
def key(role: str, owner: str, name: str, as_json: bool) -> None:
    """Make an API key for the console's REST calls; it is shown this once."""
    settings = from_environment()
    with _opened(settings) as engine:
        now = datetime.now(UTC)
        with database.writing(engine) as connection:
            house = organisations.ensure(connection, Role(role), owner, COMMAND, now)
        record, text = keys.make(engine, house.organisation_id, name, COMMAND, now)
    if as_json:
        print_json({"key_id": record.key_id, "key": text})
        return
    click.echo(f"The key (shown this once): {text}")
    click.echo(f"Try: curl -H 'Authorization: Bearer {text}' {settings.console_address}/api/v1/me")


@command.command("list")
@AS_JSON
def list_(as_json: bool) -> None:
    """List the users and what they belong to."""
    with _opened(from_environment()) as engine, database.reading(engine) as connection:
        rows = [
            _row(user, house)
            for house in organisations.everyone(connection)
            for user in users.of_organisation(connection, house.organisation_id)
        ]
    if as_json:
        print_json(rows)
    elif rows:
        print_list(f"{len(rows)} user{'s' * (len(rows) != 1)}", _COLUMNS, rows)
    else:
        click.echo("Nobody can sign in yet.")
        click.echo("Next: adunion admin create --email you@house.example")


@command.command(epilog="\b\nExample:\n  adunion admin reset --email ann@reader.example")
@_EMAIL
@_STDIN
@AS_JSON
def reset(email: str, password_stdin: bool, as_json: bool) -> None:
    """Give a user another password, and end all sessions of that user."""
    settings = from_environment()
    password, made_up = _password(password_stdin)
    with _opened(settings) as engine:
        kept = users.checked_hash(password, email)
        with database.writing(engine) as connection:
            user, _ = users.by_email(connection, email) or _nobody(email)
            users.set_password(connection, user, kept, COMMAND, datetime.now(UTC))
    _tell(settings, user, password if made_up else "", as_json)


@command.command(epilog="\b\nExample:\n  adunion admin log --kind line_item --limit 20")
@click.option("--actor", default="", help="Only changes by this address, key:ID or command.")
@click.option("--kind", default="", help="Only changes of such things, e.g. line_item.")
@click.option("--id", "entity_id", default="", help="Only changes of the thing with this id.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@AS_JSON
def log(actor: str, kind: str, entity_id: str, limit: int, as_json: bool) -> None:
    """Print the audit log: who changed what, from what to what, the newest first."""
    sought = Sought(actor=actor, kind=kind, entity_id=entity_id)
    with _opened(from_environment()) as engine, database.reading(engine) as connection:
        found = audit.lines(connection, sought, limit)
    if as_json:
        print_json(msgspec.to_builtins(found))
    elif found:
        columns = ("at", "actor", "action", "kind", "id", "changed")
        print_list(f"{len(found)} changes", columns, [_line(line) for line in found])
    else:
        click.echo("No changes here.")


def _line(line: Line) -> dict[str, Any]:
    changed = [f"{name}: {old} -> {new}" for name, old, new in audit.changes(line)]
    return {
        "at": line.at.isoformat(timespec="seconds"),
        "actor": line.actor,
        "action": line.action,
        "kind": line.kind,
        "id": line.entity_id,
        "changed": changed,
    }


def _switch(verb: str, summary: str, *, disabled: bool) -> click.Command:
    @click.command(verb, help=summary)
    @_EMAIL
    def switch(email: str) -> None:
        with _opened(from_environment()) as engine, database.writing(engine) as connection:
            user, _ = users.by_email(connection, email) or _nobody(email)
            users.set_disabled(connection, user, disabled, COMMAND, datetime.now(UTC))
        click.echo(f"{user.email} is {verb}d.")

    return switch


command.add_command(_switch("disable", "Shut a user out at once.", disabled=True))
command.add_command(_switch("enable", "Let a disabled user in again.", disabled=False))


@contextmanager
def _opened(settings: Settings) -> Iterator[Engine]:
    with database_answers():
        engine = database.connect(settings)
        try:
            migrations.upgrade(engine)
            yield engine
        finally:
            engine.dispose()


def _password(from_stdin: bool) -> tuple[str, bool]:
    """A password, and whether it was made up here."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n"), False
    if sys.stdin.isatty():
        words = f"Password (at least {passwords.SHORTEST} characters)"
        return click.prompt(words, hide_input=True, confirmation_prompt=True), False
    return secrets.token_urlsafe(12), True


def _nobody(email: str) -> tuple[User, str]:
    raise refusal(users.KIND, email, "nobody signs in with this address; see adunion admin list")


def _tell(settings: Settings, user: User, made_up: str, as_json: bool) -> None:
    address = f"{settings.console_address}/sign-in"
    if as_json:
        told = {"user_id": user.user_id, "email": user.email, "sign_in": address}
        print_json(told | ({"password": made_up} if made_up else {}))
        return
    click.echo(f"{user.email} can sign in at {address}")
    if made_up:
        click.echo(f"Password: {made_up}   (shown this once)")


def _row(user: User, house: organisations.Organisation) -> dict[str, Any]:
    seen = user.signed_in_at
    return {
        "user_id": user.user_id,
        "email": user.email,
        "role": house.role.value,
        "owner": house.owner,
        "organisation": house.name,
        "disabled": user.disabled,
        "signed_in_at": seen.isoformat(timespec="seconds") if seen else None,
    }
