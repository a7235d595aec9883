"""Contracts follow each other, and whatever is agreed next, the past stays what it was."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from affiliate.partner import Contract, Terms, contract_for_ads, contract_for_sales
from affiliate.succession import SuccessionError, ended, succeed
from models.domain.ids import AppId, ContractId, PartnerId, PlacementId

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
APP, OTHER_APP = AppId("app"), AppId("other")
SLOT, OTHER_SLOT = PlacementId("slot"), PlacementId("other_slot")


def contract(
    name: str, starts: int, ends: int | None = None, app: str = "", slot: str = ""
) -> Contract:
    """From a day to a day, counted from NOW."""
    return Contract(
        ContractId(name), 1, PartnerId("p"), NOW + starts * DAY, Terms(),
        None if ends is None else NOW + ends * DAY,
        AppId(app) if app else None, PlacementId(slot) if slot else None,
    )  # fmt: skip


def test_a_first_contract_may_reach_back() -> None:
    first = contract("c", -30)
    assert succeed([], first, NOW).new == first
    assert succeed([], first, NOW).ended == ()


def test_a_later_version_ends_the_one_before_it_where_it_begins() -> None:
    old, new = contract("a", -30), contract("b", 1)
    after = succeed([old], new, NOW)
    assert after.new == new
    assert [(one.contract_id, one.ends_at) for one in after.ended] == [("a", NOW + DAY)]


def test_a_version_ends_where_one_that_was_planned_before_begins() -> None:
    planned, new = contract("a", 10), contract("b", 1)
    after = succeed([planned], new, NOW)
    assert (after.new.ends_at, after.ended) == (NOW + 10 * DAY, ())
    short = contract("b", 1, 5)
    assert succeed([planned], short, NOW).new == short


def test_a_version_ends_at_the_first_of_several_that_were_planned() -> None:
    planned = [contract("a", 20), contract("b", 10, 20)]
    assert succeed(planned, contract("c", 1, 30), NOW).new.ends_at == NOW + 10 * DAY


def test_of_two_with_one_start_the_later_made_holds() -> None:
    planned, new = contract("a", 10), contract("b", 10)
    after = succeed([planned], new, NOW)
    assert after.new == new
    assert after.ended[0].ends_at == planned.starts_at
    assert contract_for_sales([new, *after.ended], NOW + 11 * DAY) == new


def test_scopes_do_not_end_each_other() -> None:
    whole = contract("a", -30)
    after = succeed([whole], contract("b", 1, app="app"), NOW)
    assert after.ended == ()
    assert after.new.ends_at is None


@pytest.mark.parametrize("starts", [-30, -10, 0])
def test_no_start_in_the_past_where_something_was_agreed(starts: int) -> None:
    for old in (contract("a", -20), contract("a", -40, -5), contract("a", 5)):
        if starts < -5 or old.ends_at is None:
            with pytest.raises(SuccessionError, match="begins in the past, where a version 1"):
                succeed([old], contract("b", starts), NOW)


def test_the_very_instant_is_past_and_the_next_one_is_not() -> None:
    old = contract("a", -20)
    tick = timedelta(microseconds=1)
    with pytest.raises(SuccessionError, match="choose a start in the future"):
        succeed([old], contract("b", 0), NOW)
    assert succeed([old], contract("b", 0), NOW - tick).ended[0].ends_at == NOW


def test_a_gap_after_the_end_may_be_filled_backwards() -> None:
    over = contract("a", -20, -5)
    assert succeed([over], contract("b", -5), NOW).ended == ()


def test_a_version_that_was_cancelled_before_it_began_is_in_nobodys_way() -> None:
    void = contract("a", 5, 5)
    assert succeed([void], contract("b", -5), NOW).new == contract("b", -5)
    assert succeed([void], contract("b", 1), NOW).new == contract("b", 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (contract("a", -20), contract("b", -1, app="app")),
        (contract("a", -20), contract("b", -1, app="app", slot="slot")),
        (contract("a", -20, app="app"), contract("b", -1, app="app", slot="slot")),
        (contract("a", -20, app="app"), contract("b", -1, slot="slot")),
        (contract("a", -20, slot="slot"), contract("b", -1, app="app", slot="slot")),
    ],
)
def test_a_narrower_contract_cannot_take_the_past_of_a_wider_one(
    old: Contract, new: Contract
) -> None:
    with pytest.raises(SuccessionError, match="begins in the past"):
        succeed([old], new, NOW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (contract("a", -20, app="app"), contract("b", -1)),
        (contract("a", -20, app="app"), contract("b", -1, app="other")),
        (contract("a", -20, app="app"), contract("b", -1, app="other", slot="slot")),
        (contract("a", -20, slot="slot"), contract("b", -1, app="app")),
        (contract("a", -20, slot="slot"), contract("b", -1, slot="other_slot")),
        (contract("a", -20, app="app", slot="slot"), contract("b", -1, slot="slot")),
    ],
)
def test_a_contract_that_takes_nobodys_place_may_reach_back(old: Contract, new: Contract) -> None:
    assert succeed([old], new, NOW).new == new


def test_nothing_begins_or_ends_in_a_closed_month() -> None:
    open_from = NOW + 2 * DAY
    with pytest.raises(SuccessionError, match="are closed; choose that or later"):
        succeed([], contract("a", 1), NOW, open_from)
    assert succeed([], contract("a", 2), NOW, open_from)
    with pytest.raises(SuccessionError, match="are closed"):
        ended(contract("a", -5), NOW + DAY, NOW, open_from)
    assert ended(contract("a", -5), open_from, NOW, open_from).ends_at == open_from


@pytest.mark.parametrize("days", [0, -1])
def test_a_contract_does_not_end_before_it_begins(days: int) -> None:
    with pytest.raises(SuccessionError, match=r"^it ends before it begins$"):
        succeed([], contract("a", 3, 3 + days), NOW)


def test_an_end_lies_in_the_future() -> None:
    running = contract("a", -5)
    assert ended(running, NOW + DAY, NOW).ends_at == NOW + DAY
    with pytest.raises(
        SuccessionError, match=r"^an end lies in the future: what was in force stays in force$"
    ):
        ended(running, NOW, NOW)


def test_an_end_can_be_brought_forward_but_not_put_off() -> None:
    short = contract("a", -5, 5)
    assert ended(short, NOW + 4 * DAY, NOW).ends_at == NOW + 4 * DAY
    for days in (5, 6):
        with pytest.raises(SuccessionError, match="ends earlier already"):
            ended(short, NOW + days * DAY, NOW)


def test_what_has_not_begun_can_end_as_it_begins_and_not_before() -> None:
    planned = contract("a", 5)
    void = ended(planned, planned.starts_at, NOW)
    assert not void.in_force(planned.starts_at)
    with pytest.raises(SuccessionError, match="end it then and it never holds"):
        ended(planned, NOW + DAY, NOW)


SCOPES = ("", ""), ("app", ""), ("app", "slot"), ("", "slot"), ("other", "slot")
STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),  # how many days pass before it
        st.sampled_from(["add", "add", "end"]),
        st.integers(-8, 8),  # when, in days from then
        st.none() | st.integers(-8, 12),  # its end
        st.sampled_from(SCOPES),
    ),
    min_size=1,
    max_size=14,
)
Step = tuple[int, str, int, int | None, tuple[str, str]]
PLACES = [(app, slot) for app in (APP, OTHER_APP) for slot in (SLOT, OTHER_SLOT)]


def in_force(contracts: list[Contract], moment: datetime) -> list[Contract | None]:
    """What counts at an instant: for sales, and for each placement."""
    ads = [contract_for_ads(contracts, app, slot, moment) for app, slot in PLACES]
    return [contract_for_sales(contracts, moment), *ads]


def names(contracts: list[Contract | None]) -> list[str]:
    return [one.contract_id if one else "" for one in contracts]


def changed(contracts: list[Contract], number: int, step: Step, now: datetime) -> list[Contract]:
    """The contracts after one change; the same where it is refused."""
    _, what, when, until, (app, slot) = step
    moment = now + when * DAY
    try:
        if what == "end" and contracts:
            last = contracts[number % len(contracts)]
            after = [ended(last, moment, now)]
        else:
            ends = None if until is None else now + until * DAY
            new = Contract(
                ContractId(f"c{number}"), 1, PartnerId("p"), moment, Terms(), ends,
                AppId(app) if app else None, PlacementId(slot) if slot else None,
            )  # fmt: skip
            following = succeed(contracts, new, now)
            after = [*following.ended, following.new]
    except SuccessionError:
        return contracts
    replaced = {one.contract_id for one in after}
    return [*(one for one in contracts if one.contract_id not in replaced), *after]


@given(STEPS)
def test_after_any_changes_the_past_is_what_it_was(steps: list[Step]) -> None:
    now, contracts = NOW, list[Contract]()
    for number, step in enumerate(steps):
        now += step[0] * DAY
        after = changed(contracts, number, step, now)
        for half_days in range(-40, 1):
            moment = now + half_days * DAY / 2
            before = names(in_force(contracts, moment))
            since = names(in_force(after, moment))
            assert all(was in ("", new) for was, new in zip(before, since, strict=True)), (
                f"what was in force at {moment} changed"
            )
        contracts = after


@given(STEPS)
def test_at_no_instant_are_two_of_one_scope_in_force(steps: list[Step]) -> None:
    now, contracts = NOW, list[Contract]()
    for number, step in enumerate(steps):
        now += step[0] * DAY
        contracts = changed(contracts, number, step, now)
    for half_days in range(-40, 120):
        moment = NOW + half_days * DAY / 2
        scopes = [(one.app_id, one.placement_id) for one in contracts if one.in_force(moment)]
        assert len(scopes) == len(set(scopes))
