"""Affiliate links: their codes, their sub-ids, and the address they lead to.

Never here: who keeps links (`adserver.stores.links`) or answers a click (`adserver.api.links`). The
one surprising fact: nobody has to ask us for a link. "partner~merchant~sku" is one; a short code is
only a name for the same thing, and may lead to any page of the merchant.
"""

import hashlib
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

from affiliate.order import NO_SKU
from affiliate.partner import Rate
from models.domain.ids import LinkCode, MerchantId, PartnerId, Sku

SEPARATOR = "~"
PICTURE = ".svg"
SUBS = 5
MAX_SUB_CHARS = 128
MAX_CODE_CHARS = 1_024
MAX_SKU_CHARS = 128
MAX_ID_CHARS = 64
MAX_URL_CHARS = 2_048
MAX_NAME_CHARS = 100
SHORTEST_CODE = 7
LONGEST_CODE = 20
CLICK_ID = "{click_id}"

Subs = tuple[str, str, str, str, str]
NO_SUBS: Subs = ("", "", "", "", "")

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads: a merchant's product, or its shop where `sku` is ""; for one partner."""

    partner_id: PartnerId
    merchant_id: MerchantId
    sku: Sku = NO_SKU


@dataclass(frozen=True, slots=True)
class Link:
    """A short link that somebody made.

    `url` is a page of the merchant's host, "" for the product's or the shop's. `subs` stand where
    the click brings none. `rate` is what its sales earn, where it has one of its own. `name` tells
    two links to the same page apart.
    """

    code: LinkCode
    target: Target
    url: str = ""
    name: str = ""
    subs: Subs = NO_SUBS
    rate: Rate | None = None


def plain_code(target: Target) -> LinkCode:
    """The code that anybody can write: "partner~merchant", or with "~" and the percent-encoded SKU.

    A SKU that ends as a picture's name would ask for the QR code, so its last dot is encoded too.
    """
    words = [target.partner_id, target.merchant_id]
    if target.sku:
        sku = quote(target.sku, safe="")
        if sku.lower().endswith(PICTURE):
            sku = f"{sku[: -len(PICTURE)]}%2E{sku[-len(PICTURE) + 1 :]}"
        words.append(sku)
    return LinkCode(SEPARATOR.join(words))


def parse_plain(code: str) -> Target | None:
    """What a plain code says; None for a short code, or what can be no code at all.

    Some programs write "~" as "%7E".
    """
    code = code.replace("%7E", SEPARATOR).replace("%7e", SEPARATOR)
    partner, _, rest = code.partition(SEPARATOR)
    merchant, _, encoded = rest.partition(SEPARATOR)
    if not partner or not merchant:
        return None
    try:
        sku = unquote(encoded, errors="strict")
    except UnicodeDecodeError:
        return None
    sizes_fit = max(len(partner), len(merchant)) <= MAX_ID_CHARS and len(sku) <= MAX_SKU_CHARS
    if not sizes_fit or not sku.isprintable() or not (partner + merchant).isascii():
        return None
    target = Target(PartnerId(partner), MerchantId(merchant), Sku(sku))
    return target if len(plain_code(target)) <= MAX_CODE_CHARS else None


def is_short(code: str) -> bool:
    """Whether it is spelled as short codes are."""
    fits = SHORTEST_CODE <= len(code) <= LONGEST_CODE
    return fits and code.isascii() and code.isalnum()


def short_code(target: Target, url: str, name: str, length: int = SHORTEST_CODE) -> LinkCode:
    """The code of a link: the same words make the same code, so making it twice makes one link.

    Where two links meet in one code, the later one is asked for with a greater `length`.
    """
    words = (target.partner_id, target.merchant_id, target.sku, url, name)
    digest = hashlib.blake2b("\x1f".join(words).encode(), digest_size=16).digest()
    number = int.from_bytes(digest)
    letters = []
    for _ in range(length):
        number, letter = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    return LinkCode("".join(letters))


URL_FAULTS = _NO_ADDRESS, _NO_HOME, _ELSEWHERE, _OTHER_PORT = (
    "is not an http or https address of at most %(most)s plain letters",
    "cannot be judged: the merchant's home is no such address",
    "does not lie under the merchant's host %(host)s",
    "has another port than the merchant's home",
)


def url_fault(url: str, home_url: str) -> str:
    """Why a link may not lead to this page of a merchant; "" when it may.

    It lies on the host of the shop or below it ("m.shop.example" under "www.shop.example"), on the
    port of its scheme or that of the shop. So no link of ours leads anywhere else.
    """
    template, values = url_fault_parts(url, home_url)
    return template % values


def url_fault_parts(url: str, home_url: str) -> tuple[str, dict[str, object]]:
    """As `url_fault`, one of `URL_FAULTS` and what fills it in, for other languages."""
    home, page = _split(home_url), _split(url)
    if page is None or len(url) > MAX_URL_CHARS:
        return _NO_ADDRESS, {"most": MAX_URL_CHARS}
    if home is None:
        return _NO_HOME, {}
    host = _without_www(home.hostname or "")
    if not f".{page.hostname}".endswith(f".{host}"):
        return _ELSEWHERE, {"host": host}
    return "" if page.port in (None, home.port) else _OTHER_PORT, {}


def destination(page: str, click_id: str) -> str:
    """The address of a page with the click's id in it, in place of {click_id} or at its end.

    Only what follows the host is filled in; what is not ASCII, or not visible, is percent-encoded.
    """
    parts = urlsplit(page)
    after = page[page.index("://") + 3 + len(parts.netloc) :] or "/"
    before = page[: page.index("://") + 3] + parts.netloc
    if CLICK_ID in after:
        return before + _visible(after.replace(CLICK_ID, click_id))
    path, hash_sign, fragment = after.partition("#")
    joint = "?" if "?" not in path else "" if path.endswith(("?", "&")) else "&"
    slash = "" if path.startswith("/") else "/"
    return before + _visible(f"{slash}{path}{joint}click_id={click_id}{hash_sign}{fragment}")


def _visible(text: str) -> str:
    return quote(text, safe="!#$%&'()*+,-./:;=?@[]_~{}|^`")


def _without_www(host: str) -> str:
    bare = host.removeprefix("www.")
    return bare if "." in bare.strip(".") else host


def _split(url: str) -> SplitResult | None:
    """An address with nothing in it that a browser might read otherwise than we do."""
    if not url.isprintable() or any(letter in url for letter in ' \\"<>') or not url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    plain_host = parts.netloc.isascii() and not set(parts.netloc) & set("@%{}")
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain_host:
        return None
    return parts
