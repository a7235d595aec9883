"""Links: any SKU survives its code, and no page leads off its merchant's host."""

from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, strategies as st

from affiliate.link import (
    CLICK_ID,
    LONGEST_CODE,
    MAX_CODE_CHARS,
    MAX_NAME_CHARS,
    MAX_SUB_CHARS,
    MAX_URL_CHARS,
    NO_SUBS,
    SHORTEST_CODE,
    SUBS,
    Target,
    destination,
    is_short,
    parse_plain,
    plain_code,
    short_code,
    url_fault,
)
from models.domain.ids import MerchantId, PartnerId, Sku

HOME = "https://www.shop.example/"
TARGET = Target(PartnerId("p_blog"), MerchantId("m_shop"), Sku("A-1"))

ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True)
printable = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
skus = st.text(printable, max_size=60)


@given(ids, ids, skus)
def test_any_sku_comes_back_from_its_plain_code(partner: str, merchant: str, sku: str) -> None:
    target = Target(PartnerId(partner), MerchantId(merchant), Sku(sku))
    code = plain_code(target)
    assert code.isascii()
    assert code.isprintable()
    assert not set(code) & set("/?# ")
    assert not code.endswith(".svg") or not sku
    if len(code) <= MAX_CODE_CHARS:
        assert parse_plain(code) == target


@pytest.mark.parametrize(
    ("code", "sku"),
    [("p~m", ""), ("p~m~", ""), ("p~m~a~b", "a~b"), ("p%7Em%7ea", "a"),
     ("p~m~%7e", "~"), ("p~m~a%2Fb", "a/b"),
     ("p~m~x%2Esvg", "x.svg"), ("p~m~%E7%BA%A2", "红"), ("p~m~100%", "100%")],
)  # fmt: skip
def test_a_plain_code_may_be_spelled_in_several_ways(code: str, sku: str) -> None:
    assert parse_plain(code) == Target(PartnerId("p"), MerchantId("m"), Sku(sku))


@pytest.mark.parametrize(
    "code",
    ["", "~", "p", "p~", "~m", "~~x", "p~m~%FF", "p~m~a%0Ab", "p~m~%00", "Ab3dE6g",
     "p" * 65 + "~m", "p~" + "m" * 65, "p~m~" + "s" * 129, "p\udcff~m",
     "红~m", "p~m~\udcff", "p~m~" + "%41" * 400,
     "p~m~" + "红" * 120],
)  # fmt: skip
def test_what_can_be_no_plain_code_is_none(code: str) -> None:
    assert parse_plain(code) is None


@given(st.text(max_size=80) | st.text(max_size=130).map("p~m~".__add__))
def test_parsing_never_fails(text: str) -> None:
    parsed = parse_plain(text)
    assert parsed is None or parse_plain(plain_code(parsed)) == parsed


def test_the_same_words_make_the_same_short_code_and_others_another() -> None:
    code = short_code(TARGET, "", "")
    assert code == short_code(TARGET, "", "") == "FjgGyQC"
    assert is_short(code)
    others = [short_code(TARGET, "https://shop.example/x", ""), short_code(TARGET, "", "banner")]
    others += [short_code(Target(TARGET.partner_id, TARGET.merchant_id), "", "")]
    assert len({code, *others}) == 4


def test_words_cannot_be_moved_from_one_place_to_the_next() -> None:
    one = Target(PartnerId("ab"), MerchantId("c"))
    other = Target(PartnerId("a"), MerchantId("bc"))
    assert short_code(one, "", "") != short_code(other, "", "")


def test_a_longer_code_begins_as_the_shorter_one() -> None:
    codes = [short_code(TARGET, "", "", n) for n in range(SHORTEST_CODE, LONGEST_CODE + 1)]
    assert all(is_short(code) for code in codes)
    assert all(longer.startswith(code) for code, longer in pairwise(codes))


@pytest.mark.parametrize("code", ["", "Ab3dE6", "A" * 21, "Ab3-E6g", "Ab3dE6é", "p~m~abc"])
def test_what_is_not_spelled_as_a_short_code_is_none(code: str) -> None:
    assert not is_short(code)


@pytest.mark.parametrize(
    "url",
    [HOME, "https://shop.example/p/1", "http://m.shop.example", "https://WWW.SHOP.EXAMPLE/?a=b#c",
     "https://shop.example/红?q={click_id}", "https://a.b.shop.example//evil.example/"],
)  # fmt: skip
def test_pages_under_the_merchants_host_may_be_led_to(url: str) -> None:
    assert url_fault(url, HOME) == ""


@pytest.mark.parametrize(
    "url",
    ["", "/p/1", "//evil.example", "https://evil.example/", "https://shop.example.evil.example/",
     "https://evilshop.example/", "https://shop.example@evil.example/", "javascript:alert(1)",
     "https://evil.example\\@shop.example/", "https://evil.example\\.shop.example/",
     "ftp://shop.example/", "https:shop.example", "https:///shop.example", "https://shop.example:x/",
     "https://shop.example:8443/", "https://shop.example%2eevil.example/", "https://[::1]/",
     "https://[shop.example/", "https://shop.example/a\nLocation: x", "https://shop.example/ a",
     "https://\tshop.example/", "https://shop.example\x00.evil.example/", "https://shop.example./",
     "https://{click_id}.shop.example/", "https://\uff53hop.example/", "https://shop\u3002example/",
     "https://shop.example/" + "a" * MAX_URL_CHARS],
)  # fmt: skip
def test_anything_else_may_not(url: str) -> None:
    assert url_fault(url, HOME)


def test_a_home_that_is_no_address_lets_nothing_through() -> None:
    for home in ("", "shop.example", "https://", "https://www./", "mailto:a@shop.example"):
        assert url_fault("https://shop.example/", home)
        assert url_fault("https://evil.example/", home)


def test_www_is_no_licence_for_a_whole_top_level() -> None:
    assert url_fault("https://evil.example/", "https://www.example/")
    assert url_fault("https://www.example/a", "https://www.example/") == ""


def test_a_shop_on_a_port_of_its_own_is_led_to_there() -> None:
    assert url_fault("http://shop.example:8080/a", "http://shop.example:8080/") == ""
    assert url_fault("http://shop.example:8081/a", "http://shop.example:8080/")


@pytest.mark.parametrize(
    ("page", "filled"),
    [("https://h.example", "https://h.example/?click_id=T"),
     ("https://h.example?a=1", "https://h.example/?a=1&click_id=T"),
     ("https://h.example/p", "https://h.example/p?click_id=T"),
     ("https://h.example/p?", "https://h.example/p?click_id=T"),
     ("https://h.example/p?a=1&", "https://h.example/p?a=1&click_id=T"),
     ("https://h.example/p&", "https://h.example/p&?click_id=T"),
     ("https://h.example/p?a=1#top", "https://h.example/p?a=1&click_id=T#top"),
     ("https://h.example/p#top?x", "https://h.example/p?click_id=T#top?x"),
     ("https://h.example/{click_id}/p", "https://h.example/T/p"),
     ("https://h.example/p?c={click_id}&d={click_id}", "https://h.example/p?c=T&d=T"),
     ("https://h.example/红 a", "https://h.example/%E7%BA%A2%20a?click_id=T"),
     ("https://h.example/%2F%zz", "https://h.example/%2F%zz?click_id=T"),
     ("http://h.example:81/a://b", "http://h.example:81/a://b?click_id=T")],
)  # fmt: skip
def test_the_click_id_is_put_where_it_belongs(page: str, filled: str) -> None:
    assert destination(page, "T") == filled


@given(st.text(max_size=60), st.text(max_size=20), st.booleans())
def test_a_page_that_may_be_led_to_stays_on_its_host(path: str, host: str, with_id: bool) -> None:
    url = f"https://{host}shop.example/{path}{CLICK_ID if with_id else ''}"
    if url_fault(url, HOME):
        return
    parts = urlsplit(destination(url, "T-_9"))
    assert parts.netloc == urlsplit(url).netloc
    assert f".{parts.hostname}".endswith(".shop.example")
    led = destination(url, "T-_9")
    assert led.isascii()
    assert led.isprintable()
    assert " " not in led
    assert "T-_9" in led
    if not with_id:
        assert "T-_9" in parse_qs(parts.query)["click_id"]


def test_the_longest_of_everything_still_fits() -> None:
    longest = Target(PartnerId("p" * 64), MerchantId("m" * 64), Sku("s" * 128))
    assert parse_plain(plain_code(longest)) == longest
    assert parse_plain(plain_code(longest) + "s") is None
    room = MAX_CODE_CHARS - len("p~m~" + "%2F" * 98)
    assert parse_plain("p~m~" + "%E7%BA%A2" * 98 + "s" * 16) is not None
    assert room > 0
    page = "https://shop.example/"
    assert url_fault(page + "a" * (MAX_URL_CHARS - len(page)), HOME) == ""
    assert url_fault(page + "a" * (MAX_URL_CHARS - len(page) + 1), HOME)


def test_a_plain_code_has_at_most_so_many_letters() -> None:
    partner = "p" * 61
    fits = f"{partner}~{'m' * 62}~" + "%E7%BA%A2" * 100 + "s" * 0
    assert len(fits) == MAX_CODE_CHARS + 1
    assert parse_plain(fits) is None
    assert parse_plain(fits[1:]) is not None


@pytest.mark.parametrize(
    ("sku", "code"),
    [("", "p~m"), ("A-1", "p~m~A-1"), ("a/b", "p~m~a%2Fb"), ("a~b", "p~m~a~b"),
     ("x.svg", "p~m~x%2Esvg"), ("long.name.SVG", "p~m~long.name%2ESVG"), (".svg", "p~m~%2Esvg"),
     ("x.svgz", "p~m~x.svgz"), ("svg", "p~m~svg")],
)  # fmt: skip
def test_a_plain_code_is_spelled_in_one_way(sku: str, code: str) -> None:
    assert plain_code(Target(PartnerId("p"), MerchantId("m"), Sku(sku))) == code


@pytest.mark.parametrize(
    ("url", "home", "fault"),
    [
        ("ftp://a", HOME, "is not an http or https address of at most 2048 plain letters"),
        ("https://a.example", "", "cannot be judged: the merchant's home is no such address"),
        ("https://a.example", HOME, "does not lie under the merchant's host shop.example"),
        ("https://shop.example:1/", HOME, "has another port than the merchant's home"),
    ],
)
def test_why_a_page_may_not_be_led_to_is_said_in_words(url: str, home: str, fault: str) -> None:
    assert url_fault(url, home) == fault


def test_a_dot_at_the_end_is_no_licence_for_a_top_level_either() -> None:
    assert url_fault("https://evil.example./", "https://www.example./")


def test_links_have_five_sub_ids_and_short_names() -> None:
    assert (SUBS, len(NO_SUBS), MAX_SUB_CHARS, MAX_NAME_CHARS) == (5, 5, 128, 100)
