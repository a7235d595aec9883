"""The targeting builder: every attribute as a field that explains itself, read by the notation.

Never here: what a value means (`marketplace.targeting_notation`). The one surprising fact: names
that are free text stand one a line, because a carrier may have a comma in its name; codes may be
parted by commas as well.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multidict import MultiMapping

from adserver.console.web.language import N_
from adserver.marketplace.notation import Raw
from adserver.marketplace.problem import NotationError
from adserver.marketplace.targeting_notation import check_rule, read_values, write_targeting
from models.domain.campaign import Rule, Targeting

SIDES = ("include", "exclude")
_CODES = re.compile(r"[\n,]")

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute as the form asks for it. `options` are boxes to tick; none: text.

    `lines`: free text, one value a line.
    """

    name: str
    label: str
    hint: str
    options: Options = ()
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Attributes that belong together."""

    title: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """One list of an attribute as the form shows it: its input's name, what stands in it."""

    name: str
    label: str
    values: tuple[str, ...]
    text: str
    options: Options
    error: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An attribute with both its lists. `is_set`: it leaves somebody out."""

    attribute: Attribute
    include: Side
    exclude: Side

    @property
    def is_set(self) -> bool:
        """Whether anything stands in either list, or is wrong with it."""
        sides = (self.include, self.exclude)
        return any(side.values or side.text or side.error for side in sides)


_ONE_A_LINE = N_("One a line, spelled as the apps send it.")

GROUPS: tuple[Group, ...] = (
    Group(
        N_("Places"),
        (
            Attribute("country", N_("Country"), N_("Three letters each, such as CHN, JPN.")),
            Attribute("region", N_("Region"), _ONE_A_LINE, lines=True),
            Attribute("city", N_("City"), _ONE_A_LINE, lines=True),
        ),
    ),
    Group(
        N_("Who they are"),
        (
            Attribute(
                "gender",
                N_("Gender"),
                N_("Known for people who agreed to personal ads; the others are left out then."),
                (("F", N_("women")), ("M", N_("men")), ("O", N_("others"))),
            ),
            Attribute("age", N_("Age"), N_("Ranges of years, such as 18..24, 25..34, 60..")),
            Attribute("interest", N_("Interests"), N_("Numbers of segments, 1 to 65535.")),
            Attribute("language", N_("Language"), N_("Codes such as zh, en, en-GB.")),
        ),
    ),
    Group(
        N_("Device and network"),
        (
            Attribute(
                "os",
                N_("System"),
                N_("None ticked: every system."),
                (("android", "Android"), ("ios", "iOS"), ("harmony", "HarmonyOS")),
            ),
            Attribute("os_version", N_("System version"), N_("Ranges: 12.. or 14.0..17.2")),
            Attribute(
                "device_type",
                N_("Kind of device"),
                N_("None ticked: every kind."),
                (
                    ("phone", N_("phone")),
                    ("tablet", N_("tablet")),
                    ("tv", N_("television")),
                    ("pc", N_("computer")),
                    ("connected_device", N_("connected device")),
                    ("set_top_box", N_("set-top box")),
                ),
            ),
            Attribute("make", N_("Maker"), _ONE_A_LINE, lines=True),
            Attribute(
                "connection",
                N_("Connection"),
                N_("None ticked: every connection."),
                (("wifi", "Wi-Fi"), ("5g", "5G"), ("4g", "4G"), ("3g", "3G"), ("2g", "2G"),
                 ("ethernet", N_("cable")), ("cellular", N_("any mobile network"))),
            ),
            Attribute("carrier", N_("Mobile network"), _ONE_A_LINE, lines=True),
        ),
    ),
    Group(
        N_("In which apps"),
        (
            Attribute("app_category", N_("Category of the app"), _ONE_A_LINE, lines=True),
            Attribute("placement", N_("Placements"), N_("Ids of placements, parted by commas.")),
        ),
    ),
    Group(
        N_("At which hours"),
        (
            Attribute(
                "hour_of_week",
                N_("Hours of the week"),
                N_("On your own clock: mon-fri 9..17, sat-sun. Empty: around the clock."),
            ),
        ),
    ),
)  # fmt: skip
ATTRIBUTES = {one.name: one for group in GROUPS for one in group.attributes}


def input_name(side: str, attribute: str) -> str:
    """The name of the input for one list: "include_country"."""
    return f"{side}_{attribute}"


def typed_targeting(targeting: Targeting) -> dict[str, list[str]]:
    """What the form's inputs hold for a targeting that is there."""
    typed: dict[str, list[str]] = {}
    for name, written in write_targeting(targeting).items():
        for side, values in _sides(written).items():
            typed[input_name(side, name)] = [str(value) for value in values]
    return typed


def _sides(written: Any) -> dict[str, list[Any]]:
    """A rule as it is written: both lists named, or the include list bare."""
    return written if isinstance(written, dict) else {"include": written}


def read_targeting_form(form: MultiMapping[str]) -> tuple[Targeting, dict[str, str]]:
    """The targeting that a form asks for, and what is wrong by input."""
    rules: dict[str, Rule] = {}
    errors: dict[str, str] = {}
    for name in ATTRIBUTES:
        lists = {side: _list(form, side, name, errors) for side in SIDES}
        rule = Rule(lists["include"], lists["exclude"])
        message = check_rule(name, rule)
        if message:
            errors.setdefault(_at_fault(name, rule), message)
        rules[name] = rule
    return Targeting(**rules), errors


def _list(form: MultiMapping[str], side: str, name: str, errors: dict[str, str]) -> frozenset[str]:
    try:
        return read_values(name, _raw(typed_values(name, form.getall(input_name(side, name), []))))
    except NotationError as error:
        errors[input_name(side, name)] = str(error)
        return frozenset()


def _raw(values: list[str]) -> Raw:
    return [*values]


def typed_values(name: str, written: list[str]) -> list[str]:
    """The single values of an input: boxes that are ticked, lines, or what commas part."""
    attribute = ATTRIBUTES[name]
    if attribute.options:
        return [one for one in written if one]
    parts = [part for text in written for part in _parted(attribute, text)]
    return [part.strip() for part in parts if part.strip()]


def _parted(attribute: Attribute, text: str) -> list[str]:
    return text.splitlines() if attribute.lines else _CODES.split(text)


def _at_fault(name: str, rule: Rule) -> str:
    """Which of the two lists has what is wrong."""
    alone = check_rule(name, Rule(rule.include))
    return input_name("include" if alone or not rule.exclude else "exclude", name)


def shown_targeting(
    typed: Mapping[str, list[str]], errors: Mapping[str, str]
) -> list[tuple[str, list[Shown]]]:
    """The groups for a template: (title, attributes)."""
    return [
        (group.title, [_shown(one, typed, errors) for one in group.attributes]) for group in GROUPS
    ]


def _shown(
    attribute: Attribute, typed: Mapping[str, list[str]], errors: Mapping[str, str]
) -> Shown:
    labels = {"include": attribute.label, "exclude": N_("Leave out")}
    sides = {}
    for side in SIDES:
        name = input_name(side, attribute.name)
        written = typed.get(name, [])
        values = tuple(typed_values(attribute.name, written))
        sides[side] = Side(
            name,
            labels[side],
            values,
            _text(attribute, written),
            _with_unknown(attribute.options, values),
            errors.get(name, ""),
        )
    return Shown(attribute, sides["include"], sides["exclude"])


def _text(attribute: Attribute, written: list[str]) -> str:
    if attribute.options:
        return ""
    return ("\n" if attribute.lines else ", ").join(written)


def _with_unknown(options: Options, values: tuple[str, ...]) -> Options:
    """The boxes, and one more for each value that came from elsewhere."""
    if not options:
        return ()
    known = {value for value, _ in options}
    return (*options, *((value, value) for value in values if value not in known))
