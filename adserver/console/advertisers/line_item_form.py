"""The form of a line item: what is typed becomes a `LineItem`, or says at each field what is wrong.

Every field is read by its own notation (`marketplace.buying`). Never here: saving. The one
surprising fact: what is left as it was shown is kept as it was stored, so a flight that begins at a
second past the minute, or in an hour that clocks show twice, survives an edit of the name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from multidict import MultiMapping

from adserver.console.advertisers.targeting_form import (
    read_targeting_form,
    typed_targeting,
)
from adserver.marketplace.buying import LINE_ITEM
from adserver.marketplace.notation import write_amount
from adserver.marketplace.problem import NotationError, Sentence
from models.domain.campaign import FrequencyCap, LineItem, Pacing, PricingModel, Targeting
from models.domain.money import Micros

Typed = dict[str, list[str]]
"""What the inputs hold, by name."""

PLAIN = ("name", "pricing", "bid", "product", "starts_at", "ends_at", "daily_budget",
         "total_budget", "pacing")  # fmt: skip
OPTIONAL = frozenset({"ends_at", "daily_budget", "total_budget", "product", "bid"})
CAP_PARTS = ("cap_impressions", "cap_each")
"""How many, and of what: "day/line_item"."""
CAP_ROWS = 2
FOR_THE_HOUSE = "is booked by the house: ask your contact"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a form says: the attributes it gives, and what is wrong by input."""

    attributes: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    typed: Typed = field(default_factory=dict)


def typed_of(item: LineItem, zone: ZoneInfo) -> Typed:
    """What the inputs hold for a line item that is there."""
    typed = {name: [_shown(name, item, zone)] for name in PLAIN}
    for part in CAP_PARTS:
        typed[part] = []
    for cap in item.caps:
        typed["cap_impressions"].append(str(cap.impressions))
        typed["cap_each"].append(f"{cap.period}/{cap.level}")
    return typed | typed_targeting(item.targeting)


def typed_new(now: datetime, zone: ZoneInfo) -> Typed:
    """What the inputs hold for a line item that is not there yet: it begins at the next hour."""
    begin = now.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return {
        "pricing": [PricingModel.CPM.value],
        "pacing": [Pacing.EVEN.value],
        "starts_at": [_local(begin, zone)],
    }


def read_line_item(
    form: MultiMapping[str], zone: ZoneInfo, before: LineItem | None, *, any_pricing: bool
) -> Reading:
    """The attributes that a form gives; `before` is the line item that is edited.

    `any_pricing`: an operator may promote products (cps), which cost the advertiser nothing.
    """
    typed = {name: form.getall(name) for name in form}
    attributes: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name in PLAIN:
        try:
            attributes[LINE_ITEM.by_name[name].attribute_name] = _read(name, form, zone, before)
        except NotationError as error:
            errors[name] = str(error)
    attributes["caps"] = _caps(form, errors)
    attributes["targeting"], wrong = read_targeting_form(form)
    is_sale = attributes.get("pricing") is PricingModel.CPS
    was_sale = before is not None and before.pricing is PricingModel.CPS
    if is_sale and not any_pricing and not was_sale:
        errors["pricing"] = FOR_THE_HOUSE
    return Reading(attributes, errors | wrong, typed)


def made(reading: Reading, before: LineItem | None, ids: Mapping[str, Any]) -> LineItem | None:
    """The line item that a reading makes, None when anything in it cannot be read."""
    if reading.errors:
        return None
    if before is not None:
        return replace(before, **reading.attributes)
    return LineItem(**ids, **reading.attributes)


def draft(reading: Reading, before: LineItem | None, ids: Mapping[str, Any]) -> LineItem | None:
    """What a forecast may be made of: a line item without name is good enough."""
    without = {name: text for name, text in reading.errors.items() if name != "name"}
    named = {**reading.attributes, "name": reading.attributes.get("name") or "-"}
    return made(Reading(named, without, reading.typed), before, ids)


def errors_of(problems: Mapping[str, str]) -> dict[str, str]:
    """The catalog's own refusals by input; targeting's name their attribute first."""
    found = dict(problems)
    if "targeting" in found:
        message = found.pop("targeting")
        name, _, rest = message.partition(": ")
        if name in Targeting.__dataclass_fields__:
            found[f"include_{name}"] = rest
        else:
            found["include_placement"] = message
    if "caps" in found:
        found["cap_impressions"] = found.pop("caps")
    return found


def _read(name: str, form: MultiMapping[str], zone: ZoneInfo, before: LineItem | None) -> Any:
    known = LINE_ITEM.by_name[name]
    written = form.get(name, "").strip()
    if before is not None and written == _shown(name, before, zone):
        return getattr(before, known.attribute_name)
    if not written and name in OPTIONAL:
        return LINE_ITEM.defaults[known.attribute_name]
    if not written:
        raise NotationError(Sentence("is needed"))
    value = known.read(written, zone)
    message = known.notation.check(value)
    if message:
        raise NotationError(message)
    return value


def _caps(form: MultiMapping[str], errors: dict[str, str]) -> tuple[FrequencyCap, ...]:
    rows = zip(*(form.getall(part, []) for part in CAP_PARTS), strict=False)
    written = ["/".join(map(str.strip, row)) for row in rows if row[0].strip()]
    caps = LINE_ITEM.by_name["caps"]
    try:
        value: tuple[FrequencyCap, ...] = caps.notation.read([*written])
    except NotationError as error:
        errors["cap_impressions"] = str(error)
        return ()
    if message := caps.notation.check(value):
        errors["cap_impressions"] = message
    return value


def _shown(name: str, item: LineItem, zone: ZoneInfo) -> str:
    """A plain field as its input shows it."""
    value = getattr(item, LINE_ITEM.by_name[name].attribute_name)
    if value is None or (name in OPTIONAL and not value):
        return ""
    if isinstance(value, datetime):
        return _local(value, zone)
    return write_amount(Micros(value)) if isinstance(value, int) else str(value)


def _local(value: datetime, zone: ZoneInfo) -> str:
    """As an input of type datetime-local holds it."""
    return value.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
