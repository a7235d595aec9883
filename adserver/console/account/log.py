"""`/account/audit`: what was changed, by whom, from what to what.

Never here: writing the log. The one surprising fact: operators read everybody's lines; anybody else
reads those of their own people and keys, and what the house did to their things, by "house".
"""

import json
from typing import Any
from urllib.parse import urlencode

from adserver.accounts.identity import Identity
from adserver.console.desk import Desk
from adserver.console.web import figures
from adserver.console.web.exchange import Call, Html
from adserver.stores import audit, database
from adserver.stores.audit import Line, Sought
from adserver.stores.audit_reach import Reach

PATH = "/account/audit"
_PAGE = "account/audit.html"
_A_PAGE = 50
_FILTERS = ("actor", "kind", "entity_id")
_LONGEST_SHOWN = 2_000
_MOST_DIGITS = 18


def show(desk: Desk, call: Call) -> Html:
    """`GET /account/audit`: the newest lines first."""
    asked = {name: call.query.get(name, "").strip() for name in _FILTERS}
    sought = sought_by(call.identity, asked, call.query.get("before", ""))
    with database.reading(desk.engine) as connection:
        found = audit.lines(connection, sought, _A_PAGE + 1)
    shown = found[:_A_PAGE]
    further = {name: value for name, value in asked.items() if value}
    more = urlencode(further | {"before": shown[-1].seq}) if len(found) > _A_PAGE else ""
    values = {
        "lines": [(line, _differences(line)) for line in shown],
        "asked": asked,
        "more": f"{PATH}?{more}" if more else "",
    }
    return Html(_PAGE, values)


def sought_by(who: Identity, asked: dict[str, str], before: str) -> Sought:
    """What of the log somebody may look for."""
    is_number = before.isascii() and before.isdecimal() and len(before) <= _MOST_DIGITS
    own = Reach(who.organisation_id, who.role, who.owner)
    return Sought(
        reach=None if who.is_operator else own,
        actor=asked.get("actor", ""),
        kind=asked.get("kind", ""),
        entity_id=asked.get("entity_id", ""),
        before_seq=int(before) if is_number else 0,
    )


def _differences(line: Line) -> list[tuple[str, str, str]]:
    return [(name, _said(old), _said(new)) for name, old, new in audit.changes(line)]


def _said(value: Any) -> str:
    if value is None or value == "":
        return figures.NOTHING
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
