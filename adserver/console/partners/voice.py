"""In which language and on which clock something is told.

Never here: texts. The one surprising fact: the clock is the reader's organisation's, while months
and days of money are those of the house.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from adserver.console.web import figures
from adserver.console.web.exchange import Call


@dataclass(frozen=True, slots=True)
class Voice:
    """How to tell it: `say` translates, `zone` is the reader's."""

    say: Callable[[str], str]
    zone: ZoneInfo

    def moment(self, when: datetime) -> str:
        """A time on the reader's clock."""
        return figures.instant(when, self.zone)

    def day(self, when: datetime) -> str:
        """A date on the reader's clock."""
        return figures.day(when, self.zone)


def voice_of(call: Call) -> Voice:
    """The voice in which a call is answered."""
    return Voice(call._, call.zone)
