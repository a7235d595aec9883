"""Which addresses a webhook may have."""

import asyncio
import socket

import pytest
from aiohttp.abc import ResolveResult

from adserver.webhooks import address
from adserver.webhooks.address import PrivateAddressError, PublicResolver, fault_of, is_public


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "https://example.com:8443/hook?a=b",
        "https://203.0.114.9/x",
        "https://[2606:4700::1111]/x",
        "https://xn--fiqs8s.example/",
    ],
)
def test_addresses_of_the_public_internet_are_taken(url: str) -> None:
    assert fault_of(url) == ""


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", address.NOT_A_URL),
        ("https://", address.NOT_A_URL),
        ("example.com/hook", address.NOT_A_URL),
        ("https://exa mple.com/", address.NOT_A_URL),
        ("https://example.com\\@evil.example/", address.NOT_A_URL),
        ("https://example.com/\r\nX: y", address.NOT_A_URL),
        ("https://example.com/#part", address.NOT_A_URL),
        ("https://example.com:99999/", address.NOT_A_URL),
        ("https://example.com:0/", address.NOT_A_URL),
        ("https://[::1/", address.NOT_A_URL),
        ("https://茶.example/", address.NOT_A_URL),
        ("http://example.com/hook", address.NOT_HTTPS),
        ("ftp://example.com/hook", address.NOT_HTTPS),
        ("https://user:pass@example.com/", address.NO_NAME),
        ("https://@example.com/", address.NO_NAME),
        ("https://example.com/" + "x" * 2_100, address.TOO_LONG),
        ("https://localhost/", address.PRIVATE),
        ("https://LOCALHOST./", address.PRIVATE),
        ("https://api.localhost/", address.PRIVATE),
        ("https://printer.local/", address.PRIVATE),
        ("https://metadata.google.internal/", address.PRIVATE),
        ("https://intranet/", address.PRIVATE),
        ("https://127.0.0.1/", address.PRIVATE),
        ("https://127.1/", address.PRIVATE),
        ("https://2130706433/", address.PRIVATE),
        ("https://10.1.2.3/", address.PRIVATE),
        ("https://192.168.0.1:8443/", address.PRIVATE),
        ("https://169.254.169.254/latest/meta-data", address.PRIVATE),
        ("https://0.0.0.0/", address.PRIVATE),
        ("https://[::1]/", address.PRIVATE),
        ("https://[::ffff:127.0.0.1]/", address.PRIVATE),
        ("https://[fe80::1%25eth0]/", address.PRIVATE),
        ("https://[::127.0.0.1]/", address.PRIVATE),
        ("https://[::ffff:0:127.0.0.1]/", address.PRIVATE),
        ("https://[64:ff9b:1::7f00:1]/", address.PRIVATE),
        ("https://[fec0::1]/", address.PRIVATE),
        ("https://0x7f.1/", address.PRIVATE),
        ("https://127%2e0.0.1/", address.PRIVATE),
        ("https://loc%61lhost./", address.PRIVATE),
        ("https://example.com%40127.0.0.1/", address.PRIVATE),
        ("https://a,127.0.0.1/", address.PRIVATE),
        ("https://example.com;x.example/", address.PRIVATE),
        ("https://.example.com/", address.PRIVATE),
        ("https://a..example.com/", address.PRIVATE),
        ("https://localhost.localdomain/", address.PRIVATE),
        ("https://kubernetes.default.svc/", address.PRIVATE),
        ("https://router.home.arpa/", address.PRIVATE),
    ],
)
def test_all_others_are_refused_with_the_reason(url: str, fault: str) -> None:
    assert fault_of(url) == fault


def test_a_trial_on_one_machine_may_use_private_ones() -> None:
    assert fault_of("http://127.0.0.1:9000/hook", private=True) == ""
    assert fault_of("ftp://127.0.0.1/", private=True) == address.NOT_HTTPS


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("fc00::1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("nonsense", False),
        ("fec0::1", False),
        ("5f00::1", False),
        ("::7f00:1", False),
        ("64:ff9b:1::a00:1", False),
    ],
)
def test_what_an_address_is_wrapped_in_does_not_matter(text: str, public: bool) -> None:
    assert is_public(text) is public


class Looked:
    """A directory of names that answers as it was told."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts

    async def resolve(self, host: str, port: int, _family: int) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for one in self.hosts
        ]


def resolved(*hosts: str, private: bool = False) -> list[str]:
    async def look() -> list[str]:
        resolver = PublicResolver(private=private)
        resolver._inner = Looked(*hosts)  # type: ignore[assignment]
        return [one["host"] for one in await resolver.resolve("hook.example", 443)]

    return asyncio.run(look())


def test_a_name_that_leads_to_private_addresses_leads_nowhere() -> None:
    with pytest.raises(PrivateAddressError):
        resolved("127.0.0.1", "10.0.0.1")
    assert resolved("10.0.0.1", "8.8.8.8") == ["8.8.8.8"]
    assert resolved("10.0.0.1", private=True) == ["10.0.0.1"]
