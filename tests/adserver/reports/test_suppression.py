"""What is too small is neither shown nor to be worked out from what is."""

from hypothesis import given, strategies as st

from adserver.reports.suppression import (
    LEAST_USERS,
    NOTHING_SHOWN,
    Counts,
    Shown,
    marks,
    may_be_told,
    parts_of_a_whole,
    rounded,
)

SMALL = st.integers(0, 160)


@st.composite
def some_counts(draw: st.DrawFn) -> Counts:
    app = draw(SMALL)
    owner = app + draw(SMALL)
    return Counts(app, owner, owner + draw(SMALL))


CELLS = st.dictionaries(st.sampled_from("abcdefgh"), some_counts(), max_size=8)


def kept_from(cells: dict[str, Counts], shown: Shown) -> list[Counts]:
    return [counts for value, counts in cells.items() if value not in shown.cells]


@given(CELLS)
def test_what_a_total_less_all_that_is_shown_leaves_is_several_values_of_many_users(
    cells: dict[str, Counts],
) -> None:
    shown = parts_of_a_whole(cells)
    if not shown.cells:
        return
    hidden = kept_from(cells, shown)
    assert all(counts.app >= LEAST_USERS for counts in shown.cells.values())
    assert bool(hidden) == (shown.together is not None)
    if hidden:
        assert len(hidden) >= 2
        assert sum(counts.app for counts in hidden) >= LEAST_USERS
        assert shown.together == sum(hidden, Counts())


@given(CELLS)
def test_who_takes_its_own_users_off_the_network_finds_no_small_group_of_others(
    cells: dict[str, Counts],
) -> None:
    shown = parts_of_a_whole(cells)
    if shown.cells and shown.with_network:
        told = [*shown.cells.values(), *([shown.together] if shown.together else [])]
        assert all(counts.rest >= LEAST_USERS for counts in told)


@given(CELLS, some_counts())
def test_of_marks_neither_those_who_have_one_nor_those_who_lack_it_are_few(
    cells: dict[str, Counts], more: Counts
) -> None:
    total = sum(cells.values(), more)
    shown = marks(cells, total)
    for counts in shown.cells.values():
        assert counts.app >= LEAST_USERS
        assert total.app - counts.app >= LEAST_USERS
        if shown.with_network:
            assert counts.rest >= LEAST_USERS
            assert total.rest - counts.rest >= LEAST_USERS


def test_one_small_value_takes_the_next_smallest_with_it() -> None:
    cells = {
        "f": Counts(400, 400, 4_000),
        "m": Counts(300, 300, 4_000),
        "o": Counts(20, 20, 500),
        "": Counts(900, 900, 9_000),
    }
    shown = parts_of_a_whole(cells)
    assert set(shown.cells) == {"f", ""}
    assert shown.together == Counts(320, 320, 4_500)


def test_an_app_that_is_the_whole_network_is_shown_alone() -> None:
    cells = {"f": Counts(400, 400, 410), "m": Counts(300, 300, 300)}
    assert parts_of_a_whole(cells) == Shown(cells, None, with_network=False)


def test_two_values_of_which_one_is_small_show_nothing() -> None:
    cells = {"f": Counts(400, 400, 4_000), "m": Counts(30, 30, 4_000)}
    assert parts_of_a_whole(cells) == NOTHING_SHOWN
    assert parts_of_a_whole({}) == NOTHING_SHOWN


def test_an_interest_that_nearly_everybody_has_tells_of_the_few_who_have_not() -> None:
    total = Counts(400, 400, 4_000)
    cells = {"cars": Counts(380, 380, 3_000), "sports": Counts(200, 200, 3_000)}
    assert set(marks(cells, total).cells) == {"sports"}


def test_counts_are_shown_in_tens() -> None:
    assert [rounded(users) for users in (54, 55, 60, 1_234)] == [50, 60, 60, 1_230]


def test_a_sum_of_partners_needs_five_none_of_whom_is_nearly_all_of_it() -> None:
    assert may_be_told([10, 10, 10, 10, 10])
    assert not may_be_told([10, 10, 10, 10])
    assert not may_be_told([10, 10, 10, 10, 0])
    assert may_be_told([80, 10, 4, 3, 3])
    assert not may_be_told([81, 10, 3, 3, 3])


def test_whoever_takes_the_largest_part_off_finds_no_nearly_all_either() -> None:
    assert not may_be_told([50, 47, 1, 1, 1])
