"""What surrounds every call: language, zone, menu, the notice from the page before.

Never here: templates (`web.rendering`). The one surprising fact: handlers run in a few threads of
their own, so ten slow reports make the eleventh wait, and never the loops of the console.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar
from zoneinfo import ZoneInfo

from aiohttp import web

from adserver.accounts.identity import Identity, Role
from adserver.api.traffic import sender_address
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.console.web.language import N_, say
from adserver.console.web.rendering import MenuLink
from adserver.console.web.routes import OWNERS, Area, MenuEntry

THREADS = 8
NOTICE = "adunion_notice"
LONGEST_NOTICE = 600
YEAR_S = 31_536_000
T = TypeVar("T")
HEADINGS = (
    (0, ""),
    (100, N_("Advertising")),
    (200, N_("Partners and shops")),
    (300, N_("Money")),
    (400, N_("Learning")),
    (500, N_("Safety")),
    (800, N_("Account")),
)
"""Which heading of the menu an entry stands under, by its place."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Shared by all doors of a console."""

    desk: Desk
    entries: tuple[MenuEntry, ...]
    threads: ThreadPoolExecutor

    @classmethod
    def of(cls, desk: Desk, areas: Iterable[Area]) -> "Frame":
        """The frame of a console with these areas."""
        entries = sorted((entry for area in areas for entry in area.menu), key=lambda e: e.place)
        return cls(desk, tuple(entries), ThreadPoolExecutor(THREADS, "console"))

    async def in_thread(self, work: Callable[[], T]) -> T:
        """What `work` answers, done in one of the frame's threads."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    def menu(self, call: Call) -> list[MenuLink]:
        """What the caller may choose.

        An operator who looks at an owner's pages has the owner's menu above the own one.
        """
        who = call.who
        if who is None:
            return []
        own = [entry for entry in self.entries if entry.role is who.role and entry.shown(who)]
        links = _links(call, own, who.owner)
        visited = visited_owner(call) if who.is_operator else None
        if visited is None:
            return links
        role, owner = visited
        theirs = [one for one in self.entries if one.role is role and "{owner}" in one.path]
        above = [replace(link, group=owner) for link in _links(call, theirs, owner)]
        return above + [replace(link, current=False) for link in links]

    def address(self, request: web.Request) -> str:
        """Where the call comes from, as far as the trusted proxies can be believed."""
        proxies = self.desk.settings.trusted_proxies
        return sender_address(request.remote or "", request.headers, proxies)


def _links(call: Call, entries: Sequence[MenuEntry], owner: str) -> list[MenuLink]:
    """The entries in the caller's language, the one marked that the page belongs to."""
    paths = [entry.path for entry in entries]
    homes = {one for one in paths for other in paths if other.startswith(f"{one}/")}
    best: MenuEntry | None = None
    longest = 0
    for entry in entries:
        for prefix in (entry.path, *entry.under):
            place = prefix.format(owner=owner)
            is_it = call.path == place or (prefix not in homes and _is_under(call.path, place))
            if is_it and len(place) > longest:
                best, longest = entry, len(place)
    return [
        MenuLink(
            entry.path.format(owner=owner),
            say(call.language, entry.title),
            current=entry is best,
            group=say(call.language, _heading(entry.place)),
        )
        for entry in entries
    ]


def _heading(place: int) -> str:
    return next(title for begin, title in reversed(HEADINGS) if place >= begin)


def visited_owner(call: Call) -> tuple[Role, str] | None:
    """Whose pages an operator looks at."""
    for name, role in OWNERS.items():
        if name in call.params:
            return role, call.params[name]
    return None


def _is_under(path: str, entry: str) -> bool:
    return path == entry or path.startswith(entry.rstrip("/") + "/")


def zone_of(frame: Frame, who: Identity | None) -> ZoneInfo:
    """The organisation's time zone, or the house's."""
    return ZoneInfo(who.time_zone if who is not None else frame.desk.settings.time_zone)


def packed_notice(notice: str) -> str:
    """A notice as a cookie holds it."""
    return base64.urlsafe_b64encode(notice[:LONGEST_NOTICE].encode()).decode()


def notice_of(request: web.Request) -> str:
    """What the page before has to say; "" when it said nothing."""
    try:
        return base64.urlsafe_b64decode(request.cookies.get(NOTICE, "").encode()).decode()
    except (ValueError, binascii.Error):
        return ""
