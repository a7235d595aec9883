"""Rows keep every value in its place, in this release and for outboxes that an older one left."""

from dataclasses import replace

import msgspec
import pytest

from adserver.eventlog.rows import (
    decided_row,
    pack_rows,
    pack_tracked,
    served_row,
    settled_row,
    unpack_columns,
    unpack_tracked,
)
from adserver.eventlog.schema import BY_NAME, TABLES
from models.domain.event import Booked, EventKind, Verdict
from models.domain.ids import UserKey
from tests.adserver.eventlog.happenings import COUNTED, asked, decided, happening, served
from tests.builders import tracked


@pytest.mark.parametrize("kind", EventKind)
def test_a_counted_event_goes_to_the_table_of_its_kind_with_its_charge(kind: EventKind) -> None:
    settled = settled_row(happening(1, kind), COUNTED)
    assert settled is not None
    table, row = settled
    assert table == f"{kind}s"
    values = dict(zip(BY_NAME[table].names, row, strict=True))
    assert values["charged_micros"] == 20_000
    assert values["line_item_id"] == "li1"


BILLED = {Verdict.COUNTED, Verdict.DUPLICATE}


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict not in BILLED])
def test_every_other_verdict_goes_to_suspects_with_its_reason(verdict: Verdict) -> None:
    settled = settled_row(happening(1, EventKind.CLICK), Booked(verdict))
    assert settled is not None
    table, row = settled
    assert table == "suspects"
    values = dict(zip(BY_NAME[table].names, row, strict=True))
    assert (values["kind"], values["verdict"]) == ("click", verdict)


def test_a_duplicate_is_no_row() -> None:
    assert settled_row(happening(1), Booked(Verdict.DUPLICATE)) is None


def test_a_waiting_event_comes_back_whole() -> None:
    event = tracked(doubt=Verdict.EXPIRED, detail="广告", value_micros=5)
    assert unpack_tracked(pack_tracked(event)) == event


def test_the_same_rows_are_the_same_bytes_and_come_back_in_order() -> None:
    rows = [served_row(served(number, b"\x00\xff")) for number in range(20)]
    assert pack_rows(rows) == pack_rows(list(rows))
    found = unpack_columns("ads_served", [pack_rows(rows[:7]), pack_rows(rows[7:])])
    assert [*zip(*found.values(), strict=True)] == rows


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(msgspec.DecodeError, match="1 values for 2 rows"):
        unpack_columns("census", [msgspec.msgpack.encode([[bytes(16)] * 2, [5]])])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rows_of_an_older_release_get_defaults_in_the_columns_they_lack(table: object) -> None:
    columns = unpack_columns(table.name, [pack_rows([(bytes(16),)])])
    assert columns.keys() == set(table.names)
    assert columns["event_id"] == [bytes(16)]
    assert all(not any(values) for values in columns.values() if values != [bytes(16)])


@pytest.mark.parametrize(
    "row", [(b"short",), ("text",), (bytes(16), -1), (bytes(16), "now"), (bytes(16), 2**64)]
)
def test_values_that_a_column_cannot_hold_are_refused(row: tuple[object, ...]) -> None:
    with pytest.raises((msgspec.DecodeError, OverflowError)):
        unpack_columns("impressions", [pack_rows([row])])


def test_two_ads_that_retries_put_in_one_position_are_two_rows() -> None:
    one, other = served(1), served(1, creative_id="cr2")
    assert one.offer.offer_id == other.offer.offer_id
    assert served_row(one)[0] != served_row(other)[0]
    assert served_row(one)[0] == served_row(served(1))[0]


def decided_values(**request: object) -> dict[str, object]:
    return dict(zip(BY_NAME["decisions"].names, decided_row(decided(1, **request)), strict=True))


def test_a_decision_tells_who_asked_as_targeting_understood_them() -> None:
    values = decided_values(user_key=UserKey(42), segments=(9, 5), os_version="14", connection=2)
    assert (values["country"], values["region"], values["city"]) == ("chn", "bj", "beijing")
    assert (values["os"], values["os_version"], values["connection"]) == ("android", "14", 2)
    assert (values["gender"], values["age"]) == ("f", 2026 - 1994)  # the request's word wins
    assert values["interests"] == ["3", "5", "9"]
    assert (values["user_key"], values["personalized"]) == (42, 1)
    assert decided_values(gender="")["gender"] == "m"


def test_who_opted_out_leaves_no_personal_column() -> None:
    values = decided_values(
        user_key=UserKey(42), segments=(9,), birth_year=1990, personalized=False
    )
    personal = {name: values[name] for name in ("gender", "age", "interests", "user_key")}
    assert personal == {"gender": "", "age": 0, "interests": [], "user_key": 0}
    assert values["personalized"] == 0
    assert values["region"] == "bj"


def test_an_ad_served_tells_where_and_to_whom() -> None:
    names = BY_NAME["ads_served"].names
    values = dict(zip(names, served_row(served(1)), strict=True))
    assert (values["region"], values["gender"], values["age"]) == ("bj", "f", 32)
    away = replace(served(1), request=asked(1, personalized=False))
    values = dict(zip(names, served_row(away), strict=True))
    assert (values["region"], values["gender"], values["age"]) == ("bj", "", 0)


def test_an_impossible_age_is_unknown() -> None:
    assert decided_values(birth_year=9999)["age"] == 0
    assert decided_values(birth_year=1)["age"] == 0
