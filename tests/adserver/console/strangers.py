"""A stranger who types markup into every field of every form, and reads every page for it.

Never here: a test. The one surprising fact: nobody tells the stranger which fields there are. Forms
are read from the pages; what a page refuses is replaced, field by field, by something harmless,
until the page takes the rest.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from adserver.console.areas import AREAS
from adserver.console.web.routes import Page
from tests.adserver.api.running import Reply
from tests.adserver.console.web.running import MULTIPART, Browser, multipart
from tests.adserver.media import made_files

PAGES = [page for area in AREAS for page in area.pages]
NEVER = frozenset({"/sign-out", "/sign-in", "/look", "/account/password", "/account/sessions/end"})
TEXTUAL = frozenset({"text", "search", "textarea", "email", "url", "tel", "password"})
ADDRESSES = frozenset({"href", "src", "action", "formaction", "poster", "data", "srcset", "ping"})
RUNS = re.compile(r"(javascript|vbscript|data):", re.IGNORECASE)
MOST_OF_A_ROUTE = 6
MOST_TRIES = 5
PICTURE = made_files.encoded("PNG")


@dataclass
class Field:
    """A field of a form, and what a person who changes nothing sends."""

    name: str
    kind: str
    values: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    wrong: bool = False


@dataclass
class Form:
    """A form as a page has it."""

    action: str
    method: str
    multipart: bool
    fields: list[Field] = field(default_factory=list)

    @property
    def texts(self) -> list[Field]:
        return [one for one in self.fields if one.kind in TEXTUAL]


class Read(HTMLParser):
    """A page: its links, its forms, and whatever in it would run."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.runs: list[str] = []
        self._inside = ""
        self._select: Field | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._judge(tag, given)
        self._inside = tag if tag in {"script", "style", "textarea"} else self._inside
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            packed = given.get("enctype") == "multipart/form-data"
            self.forms.append(Form(given.get("action", ""), given.get("method", "get"), packed))
        elif self.forms and given.get("name"):
            self._field(tag, given)
        if tag == "option" and self._select is not None:
            self._select.choices.append(given.get("value", ""))
            if "selected" in given:
                self._select.values = [given.get("value", "")]

    def _field(self, tag: str, given: Mapping[str, str]) -> None:
        kind = given.get("type", "text") if tag == "input" else tag
        made = Field(given["name"], kind, wrong="aria-invalid" in given)
        if tag == "select":
            self._select = made
        elif tag == "input" and (kind not in {"checkbox", "radio"} or "checked" in given):
            made.values = [given.get("value", "")]
        elif tag == "button":
            made.kind, made.values = "hidden", [given.get("value", "")]
        self.forms[-1].fields.append(made)

    def _judge(self, tag: str, given: Mapping[str, str]) -> None:
        if tag in {"style", "base", "object", "embed", "iframe", "frame", "math"}:
            self.runs.append(f"<{tag}>")
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.runs.append(f"<script src={given.get('src')!r}>")
        for name, value in given.items():
            bare = re.sub(r"[\x00-\x20]", "", value)
            runs = name.rpartition(":")[2] in ADDRESSES and RUNS.match(bare)
            if runs or name.startswith("on") or name in {"style", "srcdoc", "http-equiv"}:
                self.runs.append(f"{tag} {name}={value[:60]!r}")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""
        if tag == "select":
            if self._select is not None and not self._select.values:
                self._select.values = self._select.choices[:1]
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"} and data.strip():
            self.runs.append(f"<{self._inside}>{data[:60]}")
        elif self._inside == "textarea" and self.forms:
            self.forms[-1].fields[-1].values = [data.strip("\n")]


@dataclass
class Stranger:
    """Somebody signed in who wanders over all pages they can find."""

    name: str
    browser: Browser
    pages: dict[str, Reply] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    number: int = 0

    def wander(self, *begin: str) -> Iterator[tuple[str, Read]]:
        """Every page that can be reached by links from `begin`, some of each route, read."""
        ahead, seen, routes = deque(begin), set(begin), Counter[str]()
        while ahead:
            path = ahead.popleft()
            reply = self._fetched(path)
            if reply is None or not reply.headers.get("Content-Type", "").startswith("text/html"):
                continue
            read = Read(reply.body.decode())
            yield path, read
            for link in (*read.links, *(one.action for one in read.forms if one.method == "get")):
                to = urljoin(path, link).partition("#")[0]
                route = route_of(to)
                if to not in seen and route and routes[route] < MOST_OF_A_ROUTE:
                    routes[route] += 1
                    seen.add(to)
                    ahead.append(to)

    def _fetched(self, path: str) -> Reply | None:
        reply = self.browser.call("GET", path)
        self._note(f"GET {path}", reply)
        if reply.status == 303:
            return self._fetched(reply.headers["Location"])
        self.pages[path] = reply
        return reply

    def type_into(self, page: str, form: Form, text: str, harmless: set[str]) -> bool:
        """Sends a form with `text` in every field of words; learns which fields do not take it."""
        action = urljoin(page, form.action) if form.action else page
        seen: list[tuple[str, ...]] = []
        for _ in range(MOST_TRIES):
            reply = self._sent(page, action, form, text, harmless)
            if reply is None:
                return False
            if reply.status < 400:
                self.taken[route_of(action, "POST")] += 1
            if reply.status == 303:
                return True
            self.pages[f"POST {action} {len(self.pages)}"] = reply
            if reply.status < 400:
                return True
            wrong = {
                one.name
                for back in Read(reply.body.decode()).forms
                for one in back.fields
                if one.wrong
            }
            more = (wrong or {one.name for one in form.texts}) - harmless
            if not more or tuple(sorted(more)) in seen:
                more = {one.name for one in form.texts} - harmless
            if not more:
                return False
            seen.append(tuple(sorted(more)))
            harmless |= more
        return False

    def ask(self, action: str, form: Form, texts: tuple[str, ...]) -> None:
        """Asks a search or a filter for each text."""
        for text in texts:
            pairs = [(one.name, text) for one in form.texts]
            self._fetched(f"{action.partition('?')[0]}?{urlencode(pairs)}")

    @staticmethod
    def own_words(form: Form) -> set[str]:
        """Fields of a form that hold something already, such as an id or a rate."""
        return {one.name for one in form.texts if one.values and one.values[0]}

    def _sent(
        self, page: str, action: str, form: Form, text: str, harmless: set[str]
    ) -> Reply | None:
        self.number += 1
        pairs, files = [], []
        for one in form.fields:
            if one.kind == "file":
                files.append((one.name, f"{self.number}.png", PICTURE))
            else:
                typed = one.name not in harmless and one.kind in TEXTUAL
                values = [text] if typed else harmless_values(one, self.number)
                pairs += [(one.name, value) for value in values]
        token = self.browser.cookies and self._token(page)
        if not token:
            return None
        fields = {**dict(pairs), "csrf": token}
        if form.multipart:
            reply = self.browser.call(
                "POST", action, multipart(fields, files), Content_Type=MULTIPART
            )
        else:
            kind = "application/x-www-form-urlencoded"
            body = urlencode([one for one in pairs if one[0] != "csrf"] + [("csrf", token)])
            reply = self.browser.call("POST", action, body.encode(), Content_Type=kind)
        self._note(f"POST {action}", reply)
        return reply

    def _token(self, page: str) -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.browser.get("/account"))
        assert found, page
        return found[1]

    def _note(self, what: str, reply: Reply) -> None:
        if reply.status >= 500 and reply.status != 503:
            self.broken.append(f"{self.name}: {what} answered {reply.status}")


def route_of(address: str, method: str = "GET") -> str:
    """The route of ours that an address belongs to; "" when it is none."""
    parts = urlsplit(address)
    if parts.netloc or parts.path in NEVER:
        return ""
    for page in PAGES:
        if page.method == method and _pattern(page).fullmatch(parts.path):
            return page.path
    return ""


def _pattern(page: Page) -> re.Pattern[str]:
    pieces = re.split(r"\{\w+(?::[^}]*)?\}", page.path)
    return re.compile("[^/]+".join(map(re.escape, pieces)))


EXACT = {
    "category": "news",
    "category_rates": "",
    "contract_id": "c{n}",
    "bank_account": "6222020000000000",
    "owner": "adv1",
    "partner_id": "p1",
    "app_id": "",
    "placement_id": "",
    "subsidy": "",
    "subsidy_cap": "",
    "sku": "",
    "product": "",
    "domain": "shop.example",
    "language": "en",
    "format": "splash",
    "kind": "advertiser",
    "entity_id": "adv3",
}
"""What one field takes, where its name does not tell."""
GUESSES = (
    ("email", "somebody{n}@people.example"),
    ("url", "https://shop.example/{n}"),
    ("home", "https://shop.example/{n}"),
    ("link", "https://shop.example/{n}"),
    ("landing", "https://shop.example/{n}"),
    ("currency", "CNY"),
    ("zone", "Asia/Shanghai"),
    ("share", "10"),
    ("rate", "10"),
    ("percent", "10"),
    ("amount", "100"),
    ("bid", "5"),
    ("budget", "1000"),
    ("floor", "1"),
    ("limit", "100"),
    ("size", "540x960"),
    ("bundle", "com.example.app{n}"),
    ("day", "2026-11-22"),
    ("date", "2026-11-22"),
    ("month", "2026-11"),
    ("period", "2026-10"),
    ("id", "x{n}"),
    ("name", "Harmless {n}"),
)
BY_KIND = {
    "number": "10",
    "date": "2026-12-01",
    "datetime-local": "2026-12-01T10:00",
    "time": "10:00",
    "month": "2026-11",
    "url": "https://shop.example/{n}",
    "email": "somebody{n}@people.example",
}


def harmless_values(one: Field, number: int) -> list[str]:
    """What somebody who means well sends: what stands there, or a guess by name."""
    if one.kind == "select" and not one.values[0]:
        return [choice for choice in one.choices if choice][:1] or one.choices[:1]
    if one.values and (one.values[0] or one.kind not in TEXTUAL | BY_KIND.keys()):
        return one.values
    if one.kind in {"checkbox", "radio"}:
        return one.values
    if one.kind in BY_KIND:
        return [BY_KIND[one.kind].format(n=number)]
    return [guessed(one.name, number)]


def guessed(name: str, number: int) -> str:
    """A value for a field of this name; "" when it says nothing."""
    if name in EXACT:
        return EXACT[name].format(n=number)
    found = (guess for word, guess in GUESSES if word in name)
    return next(found, "").format(n=number)
