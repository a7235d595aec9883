"""Forms that stay open while somebody else works: only what a person changed is changed.

Never here: a form, or what its fields are. The one surprising fact: a form brings along what it
showed, each field as `was_` and its name. A field that still says so was not touched by this
person, and stays as it is by now; a program that sends no `was_` means every field it sends.
"""

from collections.abc import Mapping

from adserver.console.web.exchange import Call
from adserver.marketplace.problem import CatalogError, Problem, Sentence

WAS = "was_"


def typed(call: Call, sent: Mapping[str, str]) -> dict[str, str]:
    """Those fields of a form that do not say what the form showed."""
    return {name: value for name, value in sent.items() if value != _was(call, name)}


def meant(call: Call, sent: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """`typed`, where nobody else has changed the same; `now` is how the fields are written by now.

    Raises:
        CatalogError: somebody else has, at each such field.
    """
    found = typed(call, sent)
    problems = [
        Problem("", "", name, _passed_by(now.get(name, "")))
        for name, value in found.items()
        if _was(call, name) not in (None, _plain(now.get(name, "")))
        and value != _plain(now.get(name, ""))
    ]
    if problems:
        raise CatalogError(*problems)
    return found


def _was(call: Call, name: str) -> str | None:
    value = call.form.get(f"{WAS}{name}")
    return None if value is None else _plain(value)


def _plain(value: str) -> str:
    return value.strip().replace("\r\n", "\n")


def _passed_by(value: str) -> Sentence:
    if not value:
        return Sentence("somebody has emptied this meanwhile; save again if yours shall stand")
    return Sentence(
        "somebody has made this “%(value)s” meanwhile; save again if yours shall stand",
        value=value,
    )
