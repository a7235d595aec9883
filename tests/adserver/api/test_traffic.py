"""Invalid-traffic marks: crawlers, data centres, and whose address counts."""

from pathlib import Path

import pytest

from adserver.api.traffic import address_key, is_crawler, load_networks, sender_address
from adserver.config import SettingError

SECRET = b"secret"


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0 Safari/537.36",
    ],
)
def test_crawlers_are_known_by_name(agent: str) -> None:
    assert is_crawler(agent)


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "okhttp/4.12.0",
        "curl/8.5.0",
        "Dalvik/2.1.0 (Linux; U; Android 14; 23127PN0CC Build/UKQ1)",
        "Reader/3.2.1 CFNetwork/1490.0.4 Darwin/23.2.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    ],
)
def test_apps_and_the_libraries_they_send_with_are_no_crawlers(agent: str) -> None:
    assert not is_crawler(agent)


@pytest.fixture
def cidrs(tmp_path: Path) -> Path:
    file = tmp_path / "cidrs.txt"
    file.write_text("# clouds\n198.51.100.0/24\n203.0.113.7  # one\n\n2001:db8::/32\n")
    return file


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("198.51.100.1", "data_centre"),
        ("198.51.101.1", ""),
        ("203.0.113.7", "data_centre"),
        ("203.0.113.8", ""),
        ("2001:db8:1::1", "data_centre"),
        ("2001:db9::1", ""),
        ("not an address", ""),
        ("", ""),
    ],
)
def test_addresses_of_listed_networks_are_doubted(cidrs: Path, address: str, why: str) -> None:
    assert load_networks(str(cidrs)).doubt("okhttp/4", address) == why


def test_without_a_list_no_address_is_doubted() -> None:
    assert load_networks("").doubt("okhttp/4", "198.51.100.1") == ""


def test_a_line_that_is_no_network_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("10.0.0.0/8\n10.0.0.0/40\n")
    with pytest.raises(SettingError, match="bad:2"):
        load_networks(str(tmp_path / "bad"))
    with pytest.raises(SettingError, match="ADUNION_DATACENTER_CIDRS_FILE"):
        load_networks(str(tmp_path / "missing"))


def test_only_what_trusted_proxies_wrote_is_believed() -> None:
    headers = {"X-Forwarded-For": "1.1.1.1, 2.2.2.2, 3.3.3.3"}
    assert sender_address("9.9.9.9", headers, 0) == "9.9.9.9"
    assert sender_address("9.9.9.9", headers, 1) == "3.3.3.3"
    assert sender_address("9.9.9.9", headers, 2) == "2.2.2.2"
    assert sender_address("9.9.9.9", headers, 4) == "9.9.9.9"
    assert sender_address("9.9.9.9", {}, 1) == "9.9.9.9"


def test_an_ipv6_customer_is_one_sender() -> None:
    one = address_key("2001:db8:1:2::1", SECRET)
    assert one == address_key("2001:db8:1:2:ffff::9", SECRET)
    assert one != address_key("2001:db8:1:3::1", SECRET)
    assert 0 < one < 2**63


def test_an_address_key_says_nothing_without_the_secret() -> None:
    assert address_key("10.0.0.1", SECRET) != address_key("10.0.0.1", b"other")
    assert address_key("garbage", SECRET) == 0
