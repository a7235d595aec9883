"""Single values: read, written, checked."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from adserver.marketplace.buying import LINE_ITEM
from adserver.marketplace.fields import Kind
from adserver.marketplace.kinds import KINDS, UTC_ZONE
from adserver.marketplace.list_notation import cap, read_each, size
from adserver.marketplace.notation import amount, url, whole_number, write_amount, yes_no
from adserver.marketplace.problem import NotationError
from adserver.marketplace.targeting_notation import (
    check_targeting,
    read_targeting,
    read_values,
    write_targeting,
)
from models.domain.campaign import (
    CapLevel,
    CapPeriod,
    FrequencyCap,
    PricingModel,
    Rule,
    Targeting,
)
from models.domain.money import Micros


@given(st.integers(-(10**18), 10**18))
def test_amounts_come_back_exactly(micros: int) -> None:
    written = write_amount(Micros(micros))
    assert amount().read(written) == micros
    assert len(written.partition(".")[2]) >= 2


@pytest.mark.parametrize(
    "text", ["", ".", "--1", "1_000", "1 000", "\uff11", "nan", "1e3", "0.0000001"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(NotationError, match="is not an amount"):
        amount().read(text)


@pytest.mark.parametrize("text", ["", "1.0", "0x10", "\uff11", "1_0", "9" * 19, "+1"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(NotationError, match="whole number"):
        whole_number(0, 10).read(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3/day", FrequencyCap(3, CapPeriod.DAY)),
        ("3/DAY/line-item", FrequencyCap(3, CapPeriod.DAY)),
        ("1/minute/campaign", FrequencyCap(1, CapPeriod.MINUTE, CapLevel.CAMPAIGN)),
        ("10/lifetime/advertiser", FrequencyCap(10, CapPeriod.LIFETIME, CapLevel.ADVERTISER)),
    ],
)
def test_caps_are_read_as_people_write_them(text: str, value: FrequencyCap) -> None:
    assert cap().read(text) == value
    assert cap().read(cap().write(value)) == value


def test_a_cap_may_be_spelled_out() -> None:
    assert cap().read({"impressions": "3", "period": "day"}) == FrequencyCap(3, CapPeriod.DAY)


@pytest.mark.parametrize("text", ["day", "3", "3/", "-3/day", "3/day/user", "3/day/campaign/x"])
def test_what_is_no_cap_is_refused(text: str) -> None:
    with pytest.raises(NotationError):
        cap().read(text)


def test_a_size_may_be_two_numbers() -> None:
    assert size().read(["1080", "1920"]) == size().read("1080x1920") == (1080, 1920)


def test_a_mistake_in_a_list_is_named_by_its_place() -> None:
    with pytest.raises(NotationError) as caught:
        read_each(cap(), ["3/day", "x"])
    assert caught.value.path == (1,)


@pytest.mark.parametrize("text", ["yes", "on", "True"])
def test_yes_has_many_names(text: str) -> None:
    assert yes_no().read(text) is True


@pytest.mark.parametrize(
    "text", ["", "x", "//x", "http://", "javascript:alert(1)", "DATA:x", "https://a b", "file:/x"]
)
def test_what_could_harm_or_mean_nothing_is_no_address(text: str) -> None:
    assert url().check(text) is not None


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("mon", range(24)),
        ("sat-sun", range(120, 168)),
        ("tue 9", [33]),
        ("mon-tue 9..10", [9, 10, 33, 34]),
        ("0..2", [0, 1, 2]),
        ("167", [167]),
        ("Mon 0", [0]),
    ],
)
def test_hours_of_the_week_are_read_as_people_say_them(text: str, hours: list[int]) -> None:
    assert read_values("hour_of_week", [text]) == {str(hour) for hour in hours}


@pytest.mark.parametrize(
    "text", ["", "someday", "tue-mon", "mon 24", "mon 9..8", "168", "mon9", "mon - tue"]
)
def test_hours_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(NotationError):
        read_values("hour_of_week", [text])


@given(st.frozensets(st.integers(0, 167)))
def test_hours_come_back_as_they_were(hours: frozenset[int]) -> None:
    targeting = Targeting(hour_of_week=Rule(exclude=frozenset(map(str, hours))))
    written: Any = write_targeting(targeting)
    assert read_targeting(written) == targeting


def test_working_hours_are_written_by_day() -> None:
    hours = frozenset(str(day * 24 + hour) for day in range(5) for hour in range(9, 18))
    written = write_targeting(Targeting(hour_of_week=Rule(include=hours)))
    assert written == {"hour_of_week": ["mon-fri 9..17"]}


def test_a_single_age_or_version_is_kept_as_the_range_it_is() -> None:
    assert read_values("age", ["18", "20..30"]) == {"18..18", "20..30"}
    assert read_values("os_version", "14.1") == {"14.1..14.1"}


def test_segment_numbers_lose_their_leading_zeros() -> None:
    assert read_values("interest", ["007"]) == {"7"}


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("country", "CN"), ("os_version", "12"), ("os_version", ".."), ("age", "x..3"),
        ("device_type", "9"), ("device_type", "watch"), ("connection", "8"), ("gender", "X"),
        ("interest", "0"), ("interest", "65536"), ("hour_of_week", "168"), ("city", ""),
        ("city", "a\x00"), ("language", "z"), ("interest", "007"),
    ],
)  # fmt: skip
def test_values_that_no_request_could_have_are_refused_from_code_too(
    attribute: str, value: str
) -> None:
    targeting = Targeting(**{attribute: Rule(include=frozenset({value}))})
    message = check_targeting(targeting)
    assert message is not None
    assert message.startswith(attribute)


def test_pricing_that_is_not_sold_yet_is_refused_by_name() -> None:
    notation = LINE_ITEM.by_name["pricing"].notation
    for model in (PricingModel.CPT, PricingModel.CPI, PricingModel.OCPC):
        message = notation.check(notation.read(model.value))
        assert message == f"{model} is not sold yet: the name is reserved; use cpm, cpc, cpa, cps"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_attribute_of_the_noun_has_a_field(kind: Kind) -> None:
    attributes = set(kind.noun.__dataclass_fields__)
    assert {field.attribute_name for field in kind.fields} == attributes


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_default_is_something_that_may_be_written(kind: Kind) -> None:
    for field in kind.fields:
        default = kind.defaults.get(field.attribute_name)
        if default is not None:
            assert field.notation.check(default) is None, field.name


def test_times_keep_their_microseconds() -> None:
    starts = LINE_ITEM.by_name["starts_at"]
    when = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    assert starts.read(starts.write(when, UTC_ZONE), UTC_ZONE) == when


@pytest.mark.parametrize(
    "address",
    [
        "http://[bad/",
        "http://a]b/",
        "https://exam\u2100ple.com/",
        "https://:80/",
        "https://shop.example:99999/",
        "https://shop.example:port/",
        "tbopen://[x",
    ],
)
def test_an_address_that_cannot_be_taken_apart_is_refused(address: str) -> None:
    assert "host" in (url().check(address) or "")


@pytest.mark.parametrize(
    "address",
    ["HTTPS://Shop.example/", "https://[::1]:8080/x", "https://\u5546\u5e97.example/\u8336?a=b"],
)
def test_web_addresses_may_be_in_capitals_in_brackets_and_in_any_alphabet(address: str) -> None:
    assert url(web_only=True).check(address) is None


@pytest.mark.parametrize("name", ["age", "os_version"])
def test_a_range_that_ends_before_it_begins_is_refused(name: str) -> None:
    with pytest.raises(NotationError, match="holds nothing"):
        read_values(name, "40..20")


@pytest.mark.parametrize("written", ["14.2..14", "14.0..14", "7..7", "9..10", "9.9..10.1"])
def test_a_range_of_versions_ends_with_all_that_its_end_begins(written: str) -> None:
    assert read_values("os_version", written) == {written}
