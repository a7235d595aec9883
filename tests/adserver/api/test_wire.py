"""The door: what an ad request may say, and what is made of it."""

import json
from typing import Any

import pytest

from adserver.api import wire
from adserver.api.exchange import Request
from adserver.api.problems import BadRequestError, UnsupportedMediaTypeError
from models.domain.ad_request import AdRequest
from models.domain.ids import UserKey
from tests.builders import app, placement

SMALLEST = {"request_id": "r1", "placement_id": "pl1"}


def sent(body: bytes, **headers: str) -> Request:
    declared = {"Content-Type": "application/json"} | headers
    return Request("POST", "/v1/ads", "", declared, body, "203.0.113.9")


def parsed(**fields: Any) -> wire.AdsRequest:
    return wire.parse(sent(json.dumps(SMALLEST | fields).encode()), wire.ads_request)


def domain(**fields: Any) -> AdRequest:
    return wire.to_domain(parsed(**fields), app(), placement(max_ads=3), UserKey(7))


def refusal(body: bytes) -> BadRequestError:
    with pytest.raises(BadRequestError) as caught:
        wire.parse(sent(body), wire.ads_request)
    return caught.value


def test_two_fields_are_enough() -> None:
    request = domain()
    assert (request.request_id, request.count, request.country) == ("r1", 1, "")
    assert request.personalized
    assert not request.test


def test_every_field_of_the_contract_arrives() -> None:
    request = domain(
        count=2,
        user={"id": "u42", "gender": "F", "yob": 1994,
              "data": [{"segment": [{"id": "31"}, {"id": "x"}]}]},
        device={"os": "Android", "osv": "14", "make": "Xiaomi", "model": "M1", "devicetype": 4,
                "connectiontype": 2, "carrier": "CMCC", "language": "ZH", "w": 1440, "h": 3200,
                "ua": "...", "ip": "203.0.113.9", "ext": {"oaid": "o"}},
        geo={"country": "CHN", "region": "BJ", "city": "Beijing"},
        app={"bundle": "com.example", "ver": "3.2.1"}, test=1, debug=1,
    )  # fmt: skip
    assert (request.os, request.os_version, request.make) == ("android", "14", "xiaomi")
    assert (request.country, request.region, request.city) == ("chn", "bj", "beijing")
    assert (request.device_type, request.connection, request.carrier) == (4, 2, "cmcc")
    assert (request.gender, request.birth_year, request.segments) == ("f", 1994, (31,))
    assert (request.screen_w, request.screen_h, request.app_version) == (1440, 3200, "3.2.1")
    assert request.test
    assert request.debug


def test_geo_may_stand_in_the_device_as_openrtb_has_it() -> None:
    assert domain(device={"geo": {"country": "DEU"}}).country == "deu"


@pytest.mark.parametrize(
    "fields",
    [{"device": {"lmt": 1}}, {"regs": {"coppa": 1}}, {"user": {"ext": {"personalized": 0}}}],
)
def test_a_user_who_opted_out_is_described_by_nothing(fields: dict[str, Any]) -> None:
    person = {"gender": "F", "yob": 1994, "data": [{"segment": [{"id": "3"}]}]}
    fields["user"] = person | fields.get("user", {})
    request = domain(**fields)
    assert not request.personalized
    assert (request.gender, request.birth_year, request.segments) == ("", 0, ())
    assert request.user_key == 7


def test_an_app_may_ask_for_more_than_a_placement_shows() -> None:
    assert domain(count=20).count == 3


def test_the_apps_own_user_id_goes_before_advertising_ids() -> None:
    device = {"ifa": "ifa-1", "ext": {"oaid": "oaid-1"}}
    assert wire.user_id(parsed(user={"id": "u"}, device=device)) == "u"
    assert wire.user_id(parsed(device=device)) == "ifa-1"
    device["ifa"] = "00000000-0000-0000-0000-000000000000"
    assert wire.user_id(parsed(device=device)) == "oaid-1"
    assert wire.user_id(parsed()) == ""


def test_unknown_fields_are_ignored_however_they_look() -> None:
    assert parsed(extra={"a": [1, None, {"b": 1e300}]}, device={"new": "x"}).request_id == "r1"


def test_of_a_repeated_key_the_last_counts() -> None:
    body = b'{"request_id": "a", "placement_id": "pl1", "request_id": "b"}'
    assert wire.parse(sent(body), wire.ads_request).request_id == "b"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"request_id": ""}, "/request_id"),
        ({"request_id": "x" * 129}, "/request_id"),
        ({"request_id": 1}, "/request_id"),
        ({"request_id": None}, "/request_id"),
        ({"count": 0}, "/count"),
        ({"count": 21}, "/count"),
        ({"count": "1"}, "/count"),
        ({"count": 1.5}, "/count"),
        ({"count": 10**400}, "/count"),
        ({"user": []}, "/user"),
        ({"user": {"yob": -1}}, "/user/yob"),
        ({"user": {"id": "x" * 257}}, "/user/id"),
        ({"user": {"data": [{"segment": [{"id": 5}]}]}}, "/user/data/0/segment/0/id"),
        ({"device": {"w": 65_536}}, "/device/w"),
        ({"device": {"devicetype": 9}}, "/device/devicetype"),
        ({"device": {"lmt": 2}}, "/device/lmt"),
        ({"device": {"ua": "x" * 2_049}}, "/device/ua"),
        ({"test": "yes"}, "/test"),
    ],
)
def test_a_wrong_field_is_named_by_its_pointer(fields: dict[str, Any], pointer: str) -> None:
    assert refusal(json.dumps(SMALLEST | fields).encode()).field == pointer


@pytest.mark.parametrize("name", ["request_id", "placement_id"])
def test_a_missing_field_is_named(name: str) -> None:
    body = {key: value for key, value in SMALLEST.items() if key != name}
    assert refusal(json.dumps(body).encode()).field == f"/{name}"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b'"text"', b"{}{}", b"\xff\xfe{}", b"\xef\xbb\xbf{}",
        b'{"request_id": NaN, "placement_id": "p"}',
        b'{"request_id": "a", "placement_id": "p", "count": Infinity}',
        b'{"request_id": "\xc3\x28", "placement_id": "p"}',
        b'{"request_id": "\\ud800", "placement_id": "p"}',
        b'{"request_id": "a\x00b", "placement_id": "p"}',
        b'{"x":' * 100_000,
        b'{"request_id": "a", "placement_id": "p", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"count": 1e999999, "request_id": "a", "placement_id": "p"}',
    ],
)  # fmt: skip
def test_what_is_not_a_request_is_refused_and_never_worse(body: bytes) -> None:
    refusal(body)


@pytest.mark.parametrize(
    "declared",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"],
)
def test_another_media_type_is_refused(declared: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        wire.parse(sent(b"{}", **{"Content-Type": declared}), wire.ads_request)


@pytest.mark.parametrize(
    "declared", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
)
def test_json_may_say_that_it_is_utf_8(declared: str) -> None:
    body = json.dumps(SMALLEST).encode()
    wire.parse(sent(body, **{"Content-Type": declared}), wire.ads_request)


def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        wire.parse(sent(b"{}", **{"Content-Encoding": "gzip"}), wire.ads_request)
