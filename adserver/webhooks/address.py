"""Which addresses a webhook may have: those of the public internet.

Never here: calling them. The one surprising fact: a name is looked up again for every call, and the
call goes to the very address that was judged, so a name that turns to a private address after it
was registered (DNS rebinding) reaches nothing.
"""

import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

LONGEST_URL = 2_048
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_SIX = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is of the public internet; what translates to IPv4 in a network is not."""
_LAST_32 = 0xFFFF_FFFF
_NAME = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]*")
_INNER = (".localhost", ".localdomain", ".local", ".internal", ".lan", ".home.arpa", ".svc")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NOT_A_URL = "this is no address such as https://example.com/hook"
NOT_HTTPS = "the address begins with https://"
NO_NAME = "the address must not hold a user name or a password"
PRIVATE = "this address is not of the public internet"
TOO_LONG = "an address has at most 2048 characters"


class PrivateAddressError(OSError):
    """A name leads to addresses that are not of the public internet."""


def fault_of(url: str, *, private: bool = False) -> str:
    """Why a webhook cannot have this address; "" when it can. Names are not looked up here."""
    if len(url) > LONGEST_URL:
        return TOO_LONG
    parts = _parts(url)
    host = parts.hostname if parts else None
    if parts is None or not host or parts.fragment:
        return NOT_A_URL
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        return NOT_HTTPS
    if parts.username is not None or parts.password is not None:
        return NO_NAME
    return "" if private or _may_be_public(host) else PRIVATE


def is_public(text: str) -> bool:
    """Whether an IP address is of the public internet, whatever it is wrapped in."""
    try:
        address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_SIX:
        return False
    return address.is_global and not address.is_multicast


class PublicResolver(AbstractResolver):
    """Looks names up, and answers only addresses that may be called."""

    def __init__(self, *, private: bool = False) -> None:
        self._private = private
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name.

        Raises:
            PrivateAddressError: none of them may be called.
        """
        found = await self._inner.resolve(host, port, family)
        allowed = [one for one in found if self._private or is_public(one["host"])]
        if not allowed:
            raise PrivateAddressError(PRIVATE)
        return allowed

    async def close(self) -> None:
        """Nothing is open."""
        await self._inner.close()


def _parts(url: str) -> SplitResult | None:
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts


def _may_be_public(host: str) -> bool:
    name = host.rstrip(".").lower()
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:  # the last part begins with a letter: 0x7f.1 is an address to some
        return bool(_NAME.fullmatch(name)) and not name.endswith(_INNER)
    return is_public(name)


def _unwrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & _LAST_32)
    return inner or address
