"""How far a command looks back: 30m, 1h, 7d.

Never here: a command. The one surprising fact: it stands alone so that a command that only needs
this does not load what another command loads.
"""

import re
from datetime import timedelta

import click

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def span(context: click.Context | None, option: click.Parameter | None, text: str) -> timedelta:
    """The option's text, like 30m, 1h or 7d, as a timedelta."""
    found = re.fullmatch(r"([1-9]\d{0,4})([mhd])", text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no time: write 30m, 1h or 7d", context, option)
    return timedelta(**{UNITS[found[2]]: int(found[1])})
