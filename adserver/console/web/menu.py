"""The menu of a page: the areas' entries for who calls, in order, with the current one marked.

Never here: entries. The one surprising fact: an operator on an owner's page gets the owner's menu
too, under the owner's id, so operators walk the same pages as the owner.
"""

from collections.abc import Iterable, Sequence

from adserver.accounts.identity import Role
from adserver.console.web import language
from adserver.console.web.exchange import Call
from adserver.console.web.rendering import MenuLink
from adserver.console.web.routes import MenuEntry

_OWNED = {
    "advertisers": Role.ADVERTISER,
    "partners": Role.PARTNER,
    "merchants": Role.MERCHANT,
}


def menu_of(entries: Iterable[MenuEntry], call: Call) -> Sequence[MenuLink]:
    """The links for `call`; none for strangers."""
    if call.who is None:
        return ()
    known = sorted(entries, key=lambda entry: entry.place)
    wanted = [(entry, call.who.owner, "") for entry in known if entry.role is call.who.role]
    visited = _visited(call)
    if visited and call.who.is_operator:
        role, owner = visited
        wanted += [(entry, owner, owner) for entry in known if entry.role is role]
    links = [
        _link(entry, owner, group, call) for entry, owner, group in wanted if entry.shown(call.who)
    ]
    return _with_current(links, call.path)


def _visited(call: Call) -> tuple[Role, str] | None:
    """The owner whose pages an operator walks."""
    parts = call.path.strip("/").split("/")
    if len(parts) > 1 and parts[0] in _OWNED:
        return _OWNED[parts[0]], parts[1]
    return None


def _link(entry: MenuEntry, owner: str, group: str, call: Call) -> MenuLink:
    title = language.say(call.language, entry.title)
    return MenuLink(entry.path.replace("{owner}", owner), title, group=group)


def _with_current(links: list[MenuLink], path: str) -> list[MenuLink]:
    """The longest path that the page is at or under is the current one."""
    under = [link.href for link in links if path == link.href or path.startswith(link.href + "/")]
    here = max(under, key=len, default=None)
    return [MenuLink(each.href, each.title, each.href == here, each.group) for each in links]
