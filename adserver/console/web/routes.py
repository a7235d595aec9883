"""What an area of the console offers: its pages, its REST endpoints, its entries in the menu.

Never here: what a path does. The one surprising fact: the owner in a path is what protects it. A
path with {advertiser_id}, {partner_id} or {merchant_id} answers that owner and operators; one
without answers its `roles` only. Anybody else sees 404, a stranger the sign-in page or 401.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adserver.accounts.identity import Identity, Role
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Reply

OWNERS = {
    "advertiser_id": Role.ADVERTISER,
    "partner_id": Role.PARTNER,
    "merchant_id": Role.MERCHANT,
}
EVERYBODY = frozenset(Role)
OPERATORS = frozenset({Role.OPERATOR})


@dataclass(frozen=True, slots=True)
class Page:
    """A web page, or what its form does.

    `roles` may see it; the owner in its path narrows that further. `public` pages need no session
    (and still check the CSRF token of a form). `upload_bytes` is the most a multipart form may
    bring; 0: no files are taken.
    """

    method: str
    path: str
    handler: Callable[[Desk, Call], Reply]
    roles: frozenset[Role] = EVERYBODY
    public: bool = False
    upload_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A REST call. Its handler answers a value of the type `answer`, or raises a `Problem`.

    With `listed`, the handler answers `Listed` of `answer`, paged by cursor, and CSV where
    `Accept: text/csv` asks for it. Writes (POST, PATCH, PUT, DELETE) honour Idempotency-Key.
    `query` maps the names of query parameters to (JSON schema, meaning). `problems` are further
    statuses beside those that every endpoint has (400, 401, 404, and for writes 409, 422).
    """

    method: str
    path: str
    summary: str
    handler: Callable[[Desk, Call], Any]
    roles: frozenset[Role] = EVERYBODY
    body: Any = None
    answer: Any = None
    listed: bool = False
    status: int = 200
    query: Mapping[str, tuple[Mapping[str, Any], str]] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    upload_bytes: int = 0


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A line of the menu; `path` may hold {owner}. Shown to `role`, in the order of `place`.

    It is marked on pages whose path begins with `path` or one of `under`; an entry that others
    begin with, such as an overview, on its own page only.
    """

    role: Role
    path: str
    title: str
    place: int
    shown: Callable[[Identity], bool] = field(default=lambda _: True)
    under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """Everything one room of the console offers."""

    name: str
    pages: tuple[Page, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    menu: tuple[MenuEntry, ...] = ()
