"""Invalid-traffic marks at the door: crawlers by their user agent, data centres by their address.

Never here: bursts, which need memory (`stores.bookkeeper`). What is marked is answered as usual,
not billed and not learned from. The one surprising fact: HTTP libraries (curl, okhttp, aiohttp) are
in the crawler list and are let through, because they are what an app sends its beacons with.
"""

import hashlib
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import msgspec

from adserver.config import SettingError

PATTERNS_AT_ONCE = 25  # one regular expression of 1,500 alternatives is slower than 60 of these
REMEMBERED_AGENTS = 8_192
IPV6_HOST_BITS = 64
MAX_AGENT_CHARS = 1_024

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class TrafficFilter:
    """Says why a sender must be doubted. Networks are kept as (first, last) integers, sorted."""

    networks: frozenset[tuple[int, int, int]] = frozenset()
    prefixes: tuple[tuple[int, int], ...] = ()

    def doubt(self, user_agent: str, address: str) -> str:
        """ "crawler", "data_centre", or "" for nobody in particular."""
        if is_crawler(user_agent[:MAX_AGENT_CHARS]):
            return "crawler"
        return "data_centre" if self.prefixes and self._in_data_centre(address) else ""

    def _in_data_centre(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        bits = ip.max_prefixlen
        number = int(ip)
        return any(
            (bits, length, number >> (bits - length)) in self.networks
            for family, length in self.prefixes
            if family == bits
        )


def load_networks(path: str) -> TrafficFilter:
    """The filter with the CIDR blocks of a file, one a line, "#" begins a remark; "" for none.

    Raises:
        SettingError: no such file, or a line that is not a CIDR block.
    """
    if not path:
        return TrafficFilter()
    try:
        lines = Path(path).read_text().splitlines()
    except OSError as error:
        raise SettingError(f"ADUNION_DATACENTER_CIDRS_FILE: {error}") from None
    return _filter(_network(path, at, line) for at, line in enumerate(lines, 1))


def _network(path: str, at: int, line: str) -> Network | None:
    text = line.partition("#")[0].strip()
    try:
        return ipaddress.ip_network(text, strict=False) if text else None
    except ValueError as error:
        raise SettingError(f"ADUNION_DATACENTER_CIDRS_FILE: {path}:{at}: {error}") from None


def _filter(networks: Iterable[Network | None]) -> TrafficFilter:
    """A block is found by its address shifted to its length: one set look-up per length in use."""
    keys = {
        (
            net.max_prefixlen,
            net.prefixlen,
            int(net.network_address) >> (net.max_prefixlen - net.prefixlen),
        )
        for net in networks
        if net is not None
    }
    return TrafficFilter(
        frozenset(keys), tuple(sorted({(bits, length) for bits, length, _ in keys}))
    )


class _Crawler(msgspec.Struct):
    pattern: str
    tags: tuple[str, ...] = ()


def _compiled() -> list[Callable[[str], object]]:
    data = files("crawleruseragents").joinpath("crawler-user-agents.json").read_bytes()
    known = msgspec.json.decode(data, type=list[_Crawler])
    patterns = [crawler.pattern for crawler in known if "http-library" not in crawler.tags]
    chunks = range(0, len(patterns), PATTERNS_AT_ONCE)
    return [re.compile("|".join(patterns[at : at + PATTERNS_AT_ONCE])).search for at in chunks]


_searches = _compiled()


@lru_cache(REMEMBERED_AGENTS)
def is_crawler(user_agent: str) -> bool:
    """Whether the maintained list knows this user agent as a crawler."""
    return any(search(user_agent) for search in _searches)


def sender_address(peer: str, headers: Mapping[str, str], trusted_proxies: int) -> str:
    """The client's address: the peer, or what the outermost trusted proxy wrote down.

    Each proxy appends the address it sees to X-Forwarded-For, so of n trusted proxies the n-th
    entry from the right is ours to believe and all before it is the client's own invention.
    """
    if not trusted_proxies:
        return peer
    entries = headers.get("X-Forwarded-For", "").split(",")
    believed = entries[-trusted_proxies].strip() if len(entries) >= trusted_proxies else ""
    return believed or peer


def address_key(address: str, secret: bytes) -> int:
    """An address as 63 bits that mean nothing outside; IPv6 by its /64, what one customer holds."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return 0
    number = int(ip) >> IPV6_HOST_BITS if ip.version == 6 else int(ip)
    text = f"address:{ip.version}:{number}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=secret[:64]).digest()) >> 1
