"""Calls of an operator at a fixed moment, and pages as text, without a socket.

Never here: a test.
"""

import re
from dataclasses import replace
from datetime import datetime
from html import unescape
from typing import Any

from markupsafe import Markup
from multidict import MultiDict

from adserver.accounts.identity import Identity, Role
from adserver.console.web.exchange import Call, Html, Reply
from adserver.console.web.rendering import render

WHO = Identity(Role.OPERATOR, "", "op@house.example", "org_house")


def call(now: datetime, form: dict[str, str] | None = None, /, **params: str) -> Call:
    """A call with a form and what is in its path."""
    method = "GET" if form is None else "POST"
    return Call(method, "/house", WHO, now, params=params, form=MultiDict(form or {}))


def with_data(made: Call, data: Any) -> Call:
    """The same as a REST call with a body."""
    return replace(made, data=data)


def page(reply: Reply, made: Call, status: int = 200) -> str:
    """The text of a page that was answered with this status."""
    assert isinstance(reply, Html), reply
    assert reply.status == status, reply
    return render(reply.template, reply.values, made, csrf=Markup("<b>csrf</b>"))


def further(shown: str) -> str:
    """The address of a page's next piece; "" on the last."""
    found = re.search(r'<a[^>]*rel="next"[^>]*>', shown)
    return unescape(found.group().partition('href="')[2].partition('"')[0]) if found else ""
