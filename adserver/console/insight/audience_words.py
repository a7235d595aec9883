"""What the values of an audience are called, as texts to translate.

Never here: figures. The one surprising fact: makes, systems and regions keep the names that apps
send; only what is a number or a letter in a request has a word here.
"""

from adserver.console.insight.audience import TOGETHER
from adserver.console.web.exchange import Call
from adserver.console.web.language import N_
from adserver.reports.portrait import OTHERS

DIMENSIONS = {
    "gender": N_("Gender"),
    "age": N_("Age"),
    "region": N_("Region"),
    "device": N_("Device"),
    "os": N_("Operating system"),
    "make": N_("Maker"),
    "interest": N_("Interests"),
}
_VALUES = {
    "gender": {"f": N_("Women"), "m": N_("Men"), "o": N_("Other genders")},
    "age": {"..17": N_("Under 18"), "55..": N_("55 and older")},
    "device": {
        "1": N_("Mobile or tablet"),
        "2": N_("Computer"),
        "3": N_("Television"),
        "4": N_("Phone"),
        "5": N_("Tablet"),
        "6": N_("Connected device"),
        "7": N_("Set-top box"),
        "8": N_("Screen outdoors"),
    },
}
UNKNOWN = N_("Unknown")
ALL_OTHERS = N_("All others")
PUT_TOGETHER = N_("Small groups together")
SEGMENT = N_("Segment %(id)s")
APP = N_("This app")
WHOLE_NETWORK = N_("Whole network")


def value_text(call: Call, dimension: str, value: str) -> str:
    """A value in the reader's language."""
    special = {"": UNKNOWN, OTHERS: ALL_OTHERS, TOGETHER: PUT_TOGETHER}
    if value in special:
        return call._(special[value])
    if dimension == "interest":
        return call._(SEGMENT) % {"id": value}
    if dimension == "age" and value not in _VALUES["age"]:
        return value.replace("..", "\u2013")
    if dimension == "region":
        return value.upper().replace("/", " / ")
    known = _VALUES.get(dimension, {}).get(value)
    return call._(known) if known else value
