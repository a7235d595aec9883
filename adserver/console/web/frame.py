"""What surrounds every call: language, zone, menu, the notice from the page before.

Never here: templates (`web.rendering`). The one surprising fact: handlers run in a few threads of
their own, so ten slow reports make the eleventh wait, and never the loops of the console.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from aiohttp import web

from adserver.accounts.identity import Identity, Role
from adserver.api.traffic import sender_address
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.console.web.language import say
from adserver.console.web.rendering import MenuLink
from adserver.console.web.routes import OWNERS, Area, MenuEntry

THREADS = 8
NOTICE = "adunion_notice"
LONGEST_NOTICE = 600
YEAR_S = 31_536_000
T = TypeVar("T")


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

        An operator who looks at an owner's pages has the owner's menu below the own one.
        """
        who = call.who
        if who is None:
            return []
        own = self._links(call, who.role, who.owner, "")
        visited = visited_owner(call) if who.is_operator else None
        return own + (self._links(call, *visited, visited[1]) if visited else [])

    def _links(self, call: Call, role: Role, owner: str, group: str) -> list[MenuLink]:
        entries = [
            (entry.path.format(owner=owner), say(call.language, entry.title))
            for entry in self.entries
            if entry.role is role and entry.shown(call.identity)
        ]
        best = max((path for path, _ in entries if _is_under(call.path, path)), key=len, default="")
        return [MenuLink(path, title, path == best, group) for path, title in entries]

    def address(self, request: web.Request) -> str:
        """Where the call comes from, as far as the trusted proxies can be believed."""
        proxies = self.desk.settings.trusted_proxies
        return sender_address(request.remote or "", request.headers, proxies)


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
