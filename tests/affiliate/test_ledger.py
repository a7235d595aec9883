"""What a transaction's body says, and that the seal is over all of an entry."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from affiliate.ledger import (
    LARGEST_AMOUNT,
    LONGEST_KEY,
    Balance,
    Phase,
    Posting,
    Reason,
    Taken,
    Verified,
    seal,
)
from models.domain.money import Micros
from tests.affiliate.bookings import BANK, NOW, POOL, ZONE, booking, postings

OTHERWISE: list[dict[str, Any]] = [
    {"key": "t2"},
    {"currency": "JPY"},
    {"reason": Reason.CORRECTION},
    {"occurred_at": NOW + timedelta(microseconds=1)},
    {"postings": postings(bank=-100, partner=100)},
    {"phase": Phase.PENDING},
    {"settles": "t0"},
    {"expires_at": NOW},
    {"reverses": "t0"},
    {"refs": (("row", "1"),)},
]


@pytest.mark.parametrize("change", OTHERWISE, ids=lambda change: next(iter(change)))
def test_whatever_is_said_otherwise_makes_another_body(change: dict[str, Any]) -> None:
    assert replace(booking(), **change).body() != booking().body()


def test_order_and_time_zone_make_no_other_body() -> None:
    said = booking(refs=(("a", "1"), ("b", "2")), expires_at=NOW)
    turned = replace(
        said,
        postings=said.postings[::-1],
        refs=said.refs[::-1],
        occurred_at=NOW.astimezone(ZONE),
        expires_at=NOW.astimezone(ZONE),
    )
    assert turned.body() == said.body()


def test_a_body_takes_any_character() -> None:
    assert booking(refs=(("note", "茶\x00\ud800"),)).body().isascii()


SEALED: tuple[str, int, str, datetime, bytes, tuple[Posting, ...]] = (
    "before", 2, "2026-10", NOW, b"body", postings(bank=-1, pool=1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("at", "other"),
    [
        (0, "another"),
        (1, 3),
        (2, "2026-11"),
        (3, NOW + timedelta(microseconds=1)),
        (4, b"bodY"),
        (5, postings(bank=-2, pool=2)),
    ],
)
def test_the_seal_is_over_everything(at: int, other: Any) -> None:
    changed = [*SEALED]
    changed[at] = other
    assert seal(*changed) != seal(*SEALED)  # type: ignore[arg-type]


def test_the_seal_does_not_depend_on_the_order_of_postings() -> None:
    turned = (*SEALED[:5], (Posting(POOL, Micros(1)), Posting(BANK, Micros(-1))))
    assert seal(*turned) == seal(*SEALED)


def test_what_is_reserved_is_not_available() -> None:
    assert Balance(POOL, Micros(100), Micros(70)).available == 30


def test_amounts_and_keys_fit_into_their_columns() -> None:
    assert LARGEST_AMOUNT == 2**62
    assert LONGEST_KEY == 255


def test_what_is_taken_is_new_and_what_is_verified_is_whole_unless_told_otherwise() -> None:
    assert not Taken("t1", 1).again
    assert Verified(1, "").faults == ()
