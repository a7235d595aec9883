"""The command `adunion`: one table of sub-commands, each a module of `adserver.commands`.

Never here: what a sub-command does. The one surprising fact: nothing is imported until a command is
called, not even for `adunion --help`, so the one-line helps live in this table.
"""

import importlib
from dataclasses import dataclass

import click

from adserver.config import SettingError
from adserver.marketplace.problem import CatalogError

EPILOG = """\b
First steps:
  adunion up                           a whole engine on this machine
  adunion catalog import catalog.yaml  a marketplace from a file
  adunion app key APP                  the key an app sends as X-App-Key

Settings come from ADUNION_* variables (docs/settings.md); data lies in ADUNION_DATA_DIR (./var)."""


@dataclass(frozen=True, slots=True)
class Row:
    """Where a sub-command lives: the module's attribute `command` is the click command or group."""

    module: str
    summary: str


SECTIONS: dict[str, dict[str, Row]] = {
    "Run": {
        "up": Row("adserver.commands.up", "Run a whole engine on this machine."),
        "serve": Row("adserver.commands.serve", "Run one serving worker."),
        "console": Row("adserver.commands.console", "Run the control plane."),
        "admin": Row("adserver.commands.admin", "Let people into the console."),
        "demo": Row("adserver.commands.demo", "Make a marketplace, serve it, learn from it."),
    },
    "Buy and sell": {
        "catalog": Row("adserver.commands.catalog", "Import, export and check catalog files."),
        "advertiser": Row("adserver.commands.advertisers", "Who buys ads."),
        "campaign": Row("adserver.commands.campaigns", "Groups of an advertiser's line items."),
        "line-item": Row(
            "adserver.commands.line_items", "What is bought, for whom, at what price."
        ),
        "creative": Row("adserver.commands.creatives", "What a line item shows."),
        "app": Row("adserver.commands.apps", "Apps that ask for ads, and their keys."),
        "placement": Row("adserver.commands.placements", "The slots of an app."),
        "users": Row("adserver.commands.users", "Import, look at and forget user profiles."),
        "explain": Row("adserver.commands.explain", "Why a line item does or does not deliver."),
        "switch": Row("adserver.commands.switch", "Kill switches: stop ads at once."),
    },
    "Pay partners": {
        "partner": Row("adserver.commands.partners", "Who earns: with apps, links or both."),
        "contract": Row("adserver.commands.contracts", "What a partner earns, dated."),
        "merchant": Row("adserver.commands.merchants", "Shops that pay commissions on sales."),
        "product": Row("adserver.commands.products", "What merchants sell: feeds, hot products."),
        "coupon": Row("adserver.commands.coupons", "Codes that are one partner's alone."),
        "link": Row("adserver.commands.links", "Partners' links: short codes and QR codes."),
        "clicks": Row("adserver.commands.clicks", "Import the click log of another system."),
        "orders": Row("adserver.commands.orders", "What merchants sold: import, list, show."),
        "fund": Row("adserver.commands.funds", "Pools that pay partners more than their share."),
        "accrue": Row("adserver.commands.accrue", "Take a day of ad revenue into the books."),
        "invalid-traffic": Row(
            "adserver.commands.invalid_traffic", "Billed traffic that should not have been."
        ),
        "reconcile": Row("adserver.commands.reconcile", "Prove a day's money by its raw events."),
        "settle": Row("adserver.commands.settle", "Close a month: statements for everybody."),
        "statement": Row("adserver.commands.statements", "What a partner earned in a month."),
        "payout": Row("adserver.commands.payouts", "Money that leaves, and the bank's answer."),
        "explain-earning": Row("adserver.commands.explain_earning", "Why somebody earned it."),
        "ledger": Row("adserver.commands.ledger", "Check the books, look at them, export them."),
    },
    "Learn": {
        "train": Row("adserver.commands.train", "Train the click model and publish it."),
        "evaluate": Row("adserver.commands.evaluate", "Measure a model on a data file."),
        "predict": Row("adserver.commands.predict", "Write a probability for each row of a file."),
        "models": Row("adserver.commands.models", "List, show, promote and roll back models."),
    },
}


class Adunion(click.Group):
    """The group over `SECTIONS`, beside whatever was added to it in the usual way."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, the table's in its order."""
        return [*super().list_commands(ctx), *(name for rows in SECTIONS.values() for name in rows)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the module of one name; None when there is no such name."""
        for rows in SECTIONS.values():
            if cmd_name in rows:
                module = importlib.import_module(rows[cmd_name].module)
                found: click.Command = module.command
                return found
        return super().get_command(ctx, cmd_name)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options, then the table section by section, without importing anything."""
        click.Command.format_options(self, ctx, formatter)
        for title, rows in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, row.summary) for name, row in rows.items()])

    def invoke(self, ctx: click.Context) -> object:
        """A wrong setting, a refused change or a file that cannot be used is no crash."""
        try:
            return super().invoke(ctx)
        except (SettingError, CatalogError) as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error


@click.group(cls=Adunion, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="adunion")
def main() -> None:
    """A self-hosted ad engine: picks ads, learns from its own log, counts every event once."""


if __name__ == "__main__":
    main(prog_name="adunion")
