"""add, list, show, edit, archive and restore for one kind of entity.

Never here: what is special about a kind; its own module adds that. The one surprising fact: there
is no delete. What was served must stay explainable, so things are archived.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from adserver.commands.catalog_access import (
    opened_catalog,
    print_fields,
    print_json,
    print_list,
    shown,
    zones_of,
)
from adserver.commands.entity_options import field_options, given_values, option_of
from adserver.marketplace.fields import Kind
from adserver.marketplace.kinds import KINDS, UTC_ZONE
from adserver.stores.catalog import SqlCatalog, make_id

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@dataclass(frozen=True, slots=True)
class Wording:
    """What a kind's group says: its help, examples for add and edit, and the columns of list."""

    summary: str
    add_example: str
    edit_example: str
    columns: tuple[str, ...]


def entity_group(kind: Kind, words: Wording) -> click.Group:
    """The group `adunion KIND` with its six commands."""
    group = click.Group(kind.name.replace("_", "-"), help=words.summary)
    group.add_command(_add(kind, words))
    group.add_command(_list(kind, words))
    group.add_command(_show(kind))
    group.add_command(_edit(kind, words))
    group.add_command(_archive(kind))
    group.add_command(_restore(kind))
    return group


def _example(text: str) -> str:
    return f"\b\nExample:\n{text.strip(chr(10))}"


def _metavar(kind: Kind) -> str:
    return kind.name.upper()


def _zone(catalog: SqlCatalog, kind: Kind, campaign_id: str) -> ZoneInfo:
    """The zone in which times of a line item are read; other kinds have no times."""
    has_times = any(field.local for field in kind.fields)
    return zones_of(catalog).get(campaign_id, UTC_ZONE) if has_times else UTC_ZONE


def _add(kind: Kind, words: Wording) -> click.Command:
    @click.command("add", epilog=_example(words.add_example))
    @field_options(kind, required=True)
    @AS_JSON
    def add(as_json: bool, **given: Any) -> None:
        with opened_catalog() as catalog:
            given[kind.id_field.name] = given[kind.id_field.name] or make_id(kind)
            zone = _zone(catalog, kind, given.get("campaign_id", ""))
            entity = kind.noun(**given_values(kind, given, zone))
            catalog.add(entity, datetime.now(UTC))
            if as_json:
                print_json(shown(catalog, kind, [entity])[0])
            else:
                click.echo(f"Added {kind.title} {kind.id_of(entity)}.")

    add.help = f"Add {kind.a_title}; prints its id."
    return add


def _list(kind: Kind, words: Wording) -> click.Command:
    @click.command("list")
    @click.option("--all", "archived", is_flag=True, help="Archived ones too.")
    @AS_JSON
    def list_(archived: bool, as_json: bool, inside: str = "") -> None:
        with opened_catalog() as catalog:
            found = catalog.find(kind.noun, inside, archived=archived)
            rows = shown(catalog, kind, found)
        if as_json:
            print_json(rows)
        elif rows:
            columns = (*words.columns, "active") if archived else words.columns
            title = kind.title if len(rows) == 1 else kind.plural.replace("_", " ")
            print_list(f"{len(rows)} {title}", columns, rows)
        else:
            hint = "" if archived else "; --all shows archived ones"
            click.echo(f"No {kind.plural.replace('_', ' ')} here{hint}.")

    list_.help = f"List the {kind.plural.replace('_', ' ')}."
    if kind.parent_field:
        parent = KINDS[kind.parent]
        text = f"Only those of this {parent.title}."
        option = click.Option(
            [f"--{option_of(kind.parent_field)}", "inside"], default="", metavar="ID", help=text
        )
        list_.params.insert(0, option)
    return list_


def _show(kind: Kind) -> click.Command:
    @click.command("show")
    @click.argument("entity_id", metavar=_metavar(kind))
    @AS_JSON
    def show(entity_id: str, as_json: bool) -> None:
        with opened_catalog() as catalog:
            row = shown(catalog, kind, [catalog.get(kind.noun, entity_id)])[0]
        if as_json:
            print_json(row)
        else:
            print_fields(f"{kind.title} {entity_id}", row)

    show.help = f"Show one {kind.title}, field by field."
    return show


def _edit(kind: Kind, words: Wording) -> click.Command:
    clearable = [field for field in kind.fields if option_of(field) and not kind.is_required(field)]

    @click.command("edit", epilog=_example(words.edit_example))
    @click.argument("entity_id", metavar=_metavar(kind))
    @field_options(kind, required=False)
    @click.option(
        "--clear",
        multiple=True,
        type=click.Choice([field.name.replace("_", "-") for field in clearable]),
        help="Set this field back to what it is when not given. Repeatable.",
    )
    @AS_JSON
    def edit(entity_id: str, clear: tuple[str, ...], as_json: bool, **given: Any) -> None:
        cleared = {
            field.attribute_name: kind.defaults[field.attribute_name]
            for field in clearable
            if field.name.replace("_", "-") in clear
        }
        with opened_catalog() as catalog:
            before = catalog.get(kind.noun, entity_id)
            campaign = given.get("campaign_id") or getattr(before, "campaign_id", "")
            zone = _zone(catalog, kind, str(campaign))

            def change(entity: Any) -> Any:
                entity = replace(entity, **cleared)
                return replace(entity, **given_values(kind, given, zone, entity))

            after = catalog.edit(kind.noun, entity_id, change, datetime.now(UTC))
            if as_json:
                print_json(shown(catalog, kind, [after])[0])
            else:
                done = "Changed" if after != before else "Nothing to change in"
                click.echo(f"{done} {kind.title} {entity_id}.")

    edit.help = f"Change fields of one {kind.title}; the others stay as they are."
    return edit


def _archive(kind: Kind) -> click.Command:
    @click.command("archive")
    @click.argument("entity_id", metavar=_metavar(kind))
    def archive(entity_id: str) -> None:
        with opened_catalog() as catalog:
            catalog.archive(kind.noun, entity_id, datetime.now(UTC))
        click.echo(f"Archived {kind.title} {entity_id}; `restore` brings it back.")

    archive.help = (
        f"Take {kind.a_title} out of use, with all that belongs to it. Nothing is deleted."
    )
    return archive


def _restore(kind: Kind) -> click.Command:
    @click.command("restore")
    @click.argument("entity_id", metavar=_metavar(kind))
    def restore(entity_id: str) -> None:
        with opened_catalog() as catalog:
            catalog.restore(kind.noun, entity_id, datetime.now(UTC))
        click.echo(f"Restored {kind.title} {entity_id}.")

    restore.help = f"Take an archived {kind.title} into use again."
    return restore
