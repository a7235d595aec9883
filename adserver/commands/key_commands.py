"""Showing and rotating the keys of apps and advertisers.

Never here: how keys are made (`adserver.keyring`). The one surprising fact: a key is derived, not
stored, so it can be shown again at any time, and rotating it is raising a number in the catalog.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from adserver import keyring
from adserver.commands.catalog_access import opened_catalog, print_json
from adserver.commands.entity_commands import AS_JSON
from adserver.config import from_environment
from adserver.marketplace.fields import Kind
from adserver.marketplace.kinds import kind_of
from models.domain.campaign import Advertiser
from models.domain.placement import App

ROTATE = click.option(
    "--rotate", is_flag=True, help="Make a new key first; the old one stops working within 2 s."
)


@click.command("key", epilog="\b\nExample:\n  adunion app key app_reader --rotate")
@click.argument("app_id", metavar="APP")
@ROTATE
@AS_JSON
def app_key(app_id: str, rotate: bool, as_json: bool) -> None:
    """Print the key that an app sends as X-App-Key."""
    keys, app = _keys(kind_of(App), app_id, rotate)
    key = keys.api_key("app", app_id, app.key_generation)
    if as_json:
        print_json({"app_id": app_id, "key_generation": app.key_generation, "key": key})
    else:
        click.echo(key)


@click.command("key", epilog="\b\nExample:\n  adunion advertiser key adv_tea --json")
@click.argument("advertiser_id", metavar="ADVERTISER")
@ROTATE
@AS_JSON
def advertiser_key(advertiser_id: str, rotate: bool, as_json: bool) -> None:
    """Print the bearer key of an advertiser's postbacks, and the secret that signs them."""
    keys, advertiser = _keys(kind_of(Advertiser), advertiser_id, rotate)
    generation = advertiser.key_generation
    found = {
        "advertiser_id": advertiser_id,
        "key_generation": generation,
        "key": keys.api_key("advertiser", advertiser_id, generation),
        "signing_secret": keys.signing_secret("advertiser", advertiser_id, generation),
    }
    if as_json:
        print_json(found)
        return
    click.echo(f"Authorization: Bearer {found['key']}")
    click.echo(f"Signing secret: {found['signing_secret']}")


def _keys(kind: Kind, entity_id: str, rotate: bool) -> tuple[keyring.Keyring, Any]:
    settings = from_environment()
    with opened_catalog(settings) as catalog:
        if rotate:
            entity = catalog.edit(kind.noun, entity_id, _rotated, datetime.now(UTC))
        else:
            entity = catalog.get(kind.noun, entity_id)
    return keyring.load(settings), entity


def _rotated(entity: Any) -> Any:
    return replace(entity, key_generation=entity.key_generation + 1)
