"""Fields of partners, contracts and merchants in forms and REST bodies, read by their notations.

Never here: a field (`marketplace.partnering`). The one surprising fact: a form, a REST body, the
command line and the catalog file read a value by one notation, so all of them know its spellings.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from adserver.console.operators.refusals import Errors
from adserver.console.web.exchange import Call
from adserver.console.web.language import N_
from adserver.marketplace.fields import Field, Kind, write_entity
from adserver.marketplace.notation import Raw
from adserver.marketplace.problem import CatalogError, NotationError, Problem, spell_path

LABELS = {
    "guaranteed_ecpm": N_("Guaranteed eCPM"),
    "home_url": N_("Home address"),
    "cap": N_("Monthly cap"),
}
CHOICES = {"ad_tier_kind": ("whole", "marginal"), "trusted": ("false", "true")}
Written = str | list[str]
"""How a value is written: a text, or a list of texts where a field takes many."""


def read_fields(kind: Kind, given: Mapping[str, Written], zone: ZoneInfo) -> dict[str, Any]:
    """The attributes that were given; a field that is empty is as if it were not there.

    Raises:
        CatalogError: all that is not written as it should be, each with its field.
    """
    values: dict[str, Any] = {}
    problems = []
    for field in kind.fields:
        raw = _raw(field, given.get(field.name, ""))
        if raw in ("", []):
            continue
        try:
            values[field.attribute_name] = field.read(raw, zone)
        except NotationError as error:
            problems.append(Problem(kind.name, "", _place(field, error), str(error)))
    if problems:
        raise CatalogError(*problems)
    return values


def of_form(kind: Kind, call: Call) -> dict[str, Written]:
    """What a form says of a kind's fields; one value a line where a field takes many."""
    return {
        field.name: call.form.get(field.name, "").strip().replace("\r\n", "\n")
        for field in kind.fields
    }


def shown(kind: Kind, entity: Any, zone: ZoneInfo) -> dict[str, str]:
    """An entity's fields as a form shows them."""
    return {name: _text(value) for name, value in write_entity(kind, entity, zone).items()}


def boxes(
    call: Call, fields: Sequence[Field], values: Mapping[str, Any], errors: Errors
) -> list[dict[str, Any]]:
    """What a template shows of each field: label, meaning, value, error, lines or choices."""
    return [
        {
            "name": field.name,
            "label": call._(label_of(field)),
            "hint": call._(field.meaning),
            "value": _text(values.get(field.name, "")),
            "error": errors.get(field.name, ""),
            "lines": field.notation.many,
            "example": field.notation.metavar,
            "choices": [(one, one) for one in CHOICES.get(field.name, ())],
        }
        for field in fields
    ]


def label_of(field: Field) -> str:
    """A field's name as a sentence begins: "Minimum payout"."""
    plain = field.name.removesuffix("_id").replace("_", " ").capitalize()
    return LABELS.get(field.name, plain)


def _raw(field: Field, written: Written) -> Raw:
    if not field.notation.many:
        return written.strip() if isinstance(written, str) else ", ".join(written)
    parts = written if isinstance(written, list) else written.replace(",", "\n").split("\n")
    return [part.strip() for part in parts if part.strip()]


def _place(field: Field, error: NotationError) -> str:
    return f"{field.name}{spell_path(*error.path)}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
