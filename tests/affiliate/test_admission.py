"""What the ledger refuses, by which name, in which order; and what a taken transaction does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from affiliate.admission import RULES, Book, Head, Holding, case_of, enter
from affiliate.calendar import Period
from affiliate.chart_of_accounts import AccountName
from affiliate.ledger import (
    LARGEST_AMOUNT,
    LONGEST_KEY,
    Entry,
    Outcome,
    Phase,
    Posting,
    Refusal,
    Refused,
    Taken,
    Transaction,
    seal,
)
from models.domain.money import Micros
from tests.affiliate.bookings import (
    BANK,
    NOW,
    PARTNER,
    POOL,
    ZONE,
    booking,
    ending,
    pending,
    postings,
    reversing,
)

SOON = NOW + timedelta(hours=1)
OVER = LARGEST_AMOUNT + 1


def entered(book: Book, *transactions: Transaction, now: datetime = NOW) -> list[Entry | Outcome]:
    return [enter(book, one, now, ZONE) for one in transactions]


def refusal(found: Entry | Outcome) -> Refusal | None:
    return found.refusal if isinstance(found, Refused) else None


def kept(book: Book) -> dict[tuple[str, str], Holding]:
    return {name: held for name, held in book.holdings.items() if held != Holding()}


def a_book() -> Book:
    """The fund has 100, 70 of it held; 20 moved; something was reversed, something ended."""
    book = Book()
    moved = booking("moved", postings=postings(bank=-20, partner=20))
    undone = booking("undone", postings=postings(bank=-5, partner=5))
    found = entered(
        book,
        booking(),
        pending(),
        pending("timed", postings=postings(pool=-1, partner=1), expires_at=SOON),
        pending("ended", postings=postings(pool=-1, partner=1)),
        ending(Phase.VOID, "ended"),
        moved,
        undone,
        reversing("back", undone),
    )
    assert all(isinstance(one, Entry) for one in found)
    return book


def test_the_rules_are_tried_in_the_order_of_the_refusals() -> None:
    tried_before = [Refusal.KEY_EMPTY, Refusal.KEY_MALFORMED, Refusal.KEY_REUSED]
    assert [*tried_before, *RULES, Refusal.LINKED] == list(Refusal)


MOVED = booking("moved", postings=postings(bank=-20, partner=20))


def move(reverses: str = "", **amounts: int) -> Transaction:
    return booking("n", reverses=reverses, postings=postings(**amounts))


def end(phase: Phase, settles: str, **amounts: int) -> Transaction:
    return ending(phase, settles, "n", postings=postings(**amounts))


REFUSED = [
    (Refusal.KEY_EMPTY, booking("")),
    (Refusal.KEY_MALFORMED, booking("k" * (LONGEST_KEY + 1))),
    (Refusal.KEY_MALFORMED, booking("a\nb")),
    (Refusal.KEY_MALFORMED, booking("\ud800")),
    (Refusal.KEY_REUSED, booking("t1", postings=postings(bank=-101, pool=101))),
    (Refusal.KEY_REUSED, booking("t1", refs=(("row", "1"),))),
    (Refusal.KEY_REUSED, booking("t1", currency="JPY")),
    (Refusal.KEY_REUSED, booking("t1", occurred_at=NOW + timedelta(microseconds=1))),
    (Refusal.CURRENCY_INVALID, booking("n", currency="cny")),
    (Refusal.CURRENCY_INVALID, booking("n", currency="CNYX")),
    (Refusal.CURRENCY_INVALID, booking("n", currency="ÄÖÜ")),
    (Refusal.CURRENCY_INVALID, booking("n", currency="C1Y")),
    (Refusal.CURRENCY_INVALID, booking("n", currency="")),
    (Refusal.NO_POSTINGS, booking("n", postings=())),
    (Refusal.NO_POSTINGS, pending("n", postings=())),
    (Refusal.ACCOUNT_UNKNOWN, move(bank=-1, cash=1)),
    (Refusal.ACCOUNT_UNKNOWN, move(bank=-1, partner_payable=1)),
    (Refusal.ACCOUNT_TWICE, booking("n", postings=postings(bank=-2, pool=1) * 2)),
    (Refusal.AMOUNT_ZERO, move(bank=0, pool=0)),
    (Refusal.AMOUNT_OVERFLOW, move(bank=-OVER, pool=OVER)),
    (Refusal.AMOUNT_OVERFLOW, move(bank=-OVER, pool=OVER - 1, partner=1)),
    (Refusal.NOT_BALANCED, move(bank=-100, pool=99)),
    (Refusal.NOT_BALANCED, move(bank=-100)),
    (Refusal.PENDING_UNKNOWN, end(Phase.POST, "never")),
    (Refusal.PENDING_UNKNOWN, end(Phase.VOID, "")),
    (Refusal.PENDING_UNKNOWN, end(Phase.POST, "moved")),
    (Refusal.PENDING_UNKNOWN, ending(Phase.POST, "hold", "n", currency="JPY")),
    (Refusal.PENDING_UNKNOWN, booking("n", settles="hold")),
    (Refusal.PENDING_SETTLED, end(Phase.POST, "ended")),
    (Refusal.PENDING_SETTLED, end(Phase.VOID, "ended")),
    (Refusal.NOT_YET_EXPIRED, end(Phase.EXPIRE, "timed")),
    (Refusal.NOT_YET_EXPIRED, end(Phase.EXPIRE, "hold")),
    (Refusal.EXCEEDS_PENDING, end(Phase.POST, "hold", pool=-71, partner=71)),
    (Refusal.EXCEEDS_PENDING, end(Phase.POST, "hold", pool=70, partner=-70)),
    (Refusal.EXCEEDS_PENDING, end(Phase.POST, "hold", pool=-70, payable=70)),
    (Refusal.EXCEEDS_PENDING, end(Phase.VOID, "hold", pool=-70, partner=70)),
    (Refusal.REVERSED_UNKNOWN, reversing("n", booking("never"))),
    (Refusal.REVERSED_UNKNOWN, reversing("n", pending())),
    (Refusal.REVERSED_UNKNOWN, reversing("n", MOVED, currency="JPY")),
    (Refusal.REVERSED_ALREADY, move("undone", bank=5, partner=-5)),
    (Refusal.NOT_A_REVERSAL, move("moved", bank=19, partner=-19)),
    (Refusal.NOT_A_REVERSAL, move("moved", bank=-20, partner=20)),
    (Refusal.NOT_A_REVERSAL, reversing("n", MOVED, phase=Phase.PENDING)),
    (Refusal.BELOW_ZERO, move(pool=-31, partner=31)),
    (Refusal.BELOW_ZERO, pending("n", postings=postings(pool=-31, partner=31))),
    (Refusal.BALANCE_OVERFLOW, move(bank=-OVER + 1, pool=OVER - 1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "transaction"), REFUSED, ids=lambda one: str(one)[:20])
def test_what_cannot_be_is_refused_by_its_name(name: Refusal, transaction: Transaction) -> None:
    book = a_book()
    before = repr(book.heads), set(book.known), repr(kept(book))
    found = enter(book, transaction, NOW, ZONE)
    assert refusal(found) is name
    assert isinstance(found, Refused)
    assert found.key == transaction.key
    assert found.detail
    assert (repr(book.heads), set(book.known), repr(kept(book))) == before


def test_every_refusal_of_one_transaction_was_tried_above() -> None:
    named = {name for name, _ in REFUSED}
    assert named == set(Refusal) - {Refusal.PENDING_EXPIRED, Refusal.LINKED}


@pytest.mark.parametrize("phase", [Phase.POST, Phase.VOID])
def test_what_has_expired_can_no_longer_be_posted_or_voided(phase: Phase) -> None:
    book = a_book()
    late = enter(book, ending(phase, "timed", "n"), SOON, ZONE)
    assert refusal(late) is Refusal.PENDING_EXPIRED
    just = enter(book, ending(phase, "timed", "n"), SOON - timedelta(microseconds=1), ZONE)
    assert isinstance(just, Entry)


def test_what_is_due_expires_at_that_very_moment() -> None:
    assert isinstance(enter(a_book(), ending(Phase.EXPIRE, "timed", "n"), SOON, ZONE), Entry)


def test_a_transaction_that_is_wrong_in_every_way_is_refused_in_the_fixed_order() -> None:
    """Mended one fault at a time, it names the next."""
    pool = Posting(POOL, Micros(OVER))
    wrong = Transaction(
        "", "", booking().reason, NOW,
        (), phase=Phase.PENDING, settles="never", reverses="never",
    )  # fmt: skip
    cash = Posting(AccountName("cash"), Micros(0))
    steps = [
        (Refusal.KEY_EMPTY, {}),
        (Refusal.KEY_MALFORMED, {"key": "\n"}),
        (Refusal.KEY_REUSED, {"key": "t1"}),
        (Refusal.CURRENCY_INVALID, {"key": "new"}),
        (Refusal.NO_POSTINGS, {"currency": "CNY"}),
        (Refusal.ACCOUNT_UNKNOWN, {"postings": (cash, pool, pool)}),
        (Refusal.ACCOUNT_TWICE, {"postings": (Posting(BANK, Micros(0)), pool, pool)}),
        (Refusal.AMOUNT_ZERO, {"postings": (Posting(BANK, Micros(0)), pool)}),
        (Refusal.AMOUNT_OVERFLOW, {"postings": (Posting(BANK, Micros(-1)), pool)}),
        (Refusal.NOT_BALANCED, {"postings": postings(partner=-31, pool=-31)}),
        (Refusal.PENDING_UNKNOWN, {"postings": postings(partner=31, pool=-31)}),
        (Refusal.REVERSED_UNKNOWN, {"settles": ""}),
        (Refusal.REVERSED_ALREADY, {"reverses": "undone"}),
        (Refusal.NOT_A_REVERSAL, {"reverses": "moved"}),
        (Refusal.BELOW_ZERO, {"reverses": ""}),
    ]
    for name, mended in steps:
        wrong = replace(wrong, **mended)
        assert refusal(enter(a_book(), wrong, NOW, ZONE)) is name


def test_the_ends_of_a_pending_transaction_are_refused_in_the_fixed_order() -> None:
    book = a_book()
    entered(book, pending("late", postings=postings(pool=-1, partner=1), expires_at=NOW))
    more = postings(pool=-71, partner=71)
    names = [
        refusal(enter(book, ending(Phase.VOID, settles, "n", postings=more), NOW, ZONE))
        for settles in ("never", "ended", "late", "hold")
    ]
    assert names == [
        Refusal.PENDING_UNKNOWN, Refusal.PENDING_SETTLED, Refusal.PENDING_EXPIRED,
        Refusal.EXCEEDS_PENDING,
    ]  # fmt: skip


def test_the_same_again_answers_the_first_whatever_became_of_it() -> None:
    book = a_book()
    assert enter(book, booking(), SOON, ZONE) == Taken("t1", 1, again=True)
    assert enter(book, ending(Phase.VOID, "ended"), SOON, ZONE) == Taken("end", 5, again=True)


def test_postings_and_refs_may_come_in_any_order_the_second_time() -> None:
    book = Book()
    first = booking(refs=(("row", "1"), ("order", "2")))
    again = replace(first, postings=first.postings[::-1], refs=first.refs[::-1])
    assert isinstance(enter(book, first, NOW, ZONE), Entry)
    assert enter(book, again, NOW, ZONE) == Taken("t1", 1, again=True)


def changes_of(book: Book, transaction: Transaction) -> dict[str, tuple[int, int]]:
    found = case_of(book, transaction, NOW).changes
    return {account: (posted, reserved) for account, posted, reserved in found}


@pytest.mark.parametrize("amount", [1, 69, 70])
def test_any_part_of_what_was_reserved_may_be_posted(amount: int) -> None:
    part = ending(Phase.POST, "hold", "n", postings=postings(pool=-amount, partner=amount))
    assert isinstance(enter(a_book(), part, NOW, ZONE), Entry)


def test_only_debits_are_reserved() -> None:
    assert changes_of(a_book(), pending("n")) == {POOL: (0, 70), PARTNER: (0, 0)}


def test_posting_moves_what_was_reserved() -> None:
    found = changes_of(a_book(), ending(Phase.POST, "hold", "n"))
    assert found == {POOL: (-70, -70), PARTNER: (70, 0)}


def test_posting_a_part_lets_go_of_the_rest() -> None:
    part = ending(Phase.POST, "hold", "n", postings=postings(pool=-30, partner=30))
    assert changes_of(a_book(), part) == {POOL: (-30, -70), PARTNER: (30, 0)}


@pytest.mark.parametrize("phase", [Phase.VOID, Phase.EXPIRE])
def test_voiding_and_expiring_let_go_of_all(phase: Phase) -> None:
    found = changes_of(a_book(), ending(phase, "hold", "n"))
    assert found == {POOL: (0, -70), PARTNER: (0, 0)}


def test_a_solid_account_may_give_its_last_micro_and_not_one_more() -> None:
    """The worked example 10 of money.md: 100 - 70 leaves 30, so 50 are refused when pending."""
    book = Book()
    entered(book, booking(), booking("spend", postings=postings(pool=-70, partner=70)))
    assert refusal(
        enter(book, pending("n", postings=postings(pool=-50, partner=50)), NOW, ZONE)
    ) is Refusal.BELOW_ZERO  # fmt: skip
    last = pending("all", postings=postings(pool=-30, partner=30))
    assert isinstance(enter(book, last, NOW, ZONE), Entry)
    one = booking("one", postings=postings(pool=-1, partner=1))
    assert refusal(enter(book, one, NOW, ZONE)) is Refusal.BELOW_ZERO


def test_money_into_a_solid_account_is_always_welcome() -> None:
    book = Book(holdings={("CNY", POOL): Holding(-50, 10)})
    assert isinstance(enter(book, booking(), NOW, ZONE), Entry)


def test_an_account_that_is_not_solid_may_owe() -> None:
    owing = booking("n", postings=postings(partner=-1_000, bank=1_000))
    assert isinstance(enter(a_book(), owing, NOW, ZONE), Entry)


def test_a_balance_may_be_as_large_as_the_largest_amount_and_no_larger() -> None:
    book = Book()
    whole = booking(postings=postings(bank=-LARGEST_AMOUNT, pool=LARGEST_AMOUNT))
    assert isinstance(enter(book, whole, NOW, ZONE), Entry)
    one = booking("one", postings=postings(rounding=-1, pool=1))
    assert refusal(enter(book, one, NOW, ZONE)) is Refusal.BALANCE_OVERFLOW
    less = booking("less", postings=postings(bank=-1, rounding=1))
    assert refusal(enter(book, less, NOW, ZONE)) is Refusal.BALANCE_OVERFLOW


def test_so_much_may_be_reserved_and_no_more() -> None:
    book = Book()
    hold = pending("a", postings=postings(rounding=-LARGEST_AMOUNT, bank=LARGEST_AMOUNT))
    assert isinstance(enter(book, hold, NOW, ZONE), Entry)
    more = pending("b", postings=postings(rounding=-1, bank=1))
    assert refusal(enter(book, more, NOW, ZONE)) is Refusal.BALANCE_OVERFLOW


def test_a_reversal_can_itself_be_reversed() -> None:
    book = a_book()
    back = reversing("back", booking("undone", postings=postings(bank=-5, partner=5)))
    again = reversing("forth", back)
    assert isinstance(enter(book, again, NOW, ZONE), Entry)
    assert refusal(enter(book, replace(again, key="n"), NOW, ZONE)) is Refusal.REVERSED_ALREADY


def test_what_was_posted_out_of_a_pending_transaction_can_be_reversed() -> None:
    book = a_book()
    part = ending(Phase.POST, "hold", "part", postings=postings(pool=-30, partner=30))
    assert isinstance(enter(book, part, NOW, ZONE), Entry)
    assert isinstance(enter(book, reversing("n", part), NOW, ZONE), Entry)


def test_entries_are_chained_by_their_hashes_in_each_currency() -> None:
    book = Book()
    first, second = entered(book, booking("a"), booking("b"))
    (other,) = entered(book, booking("c", currency="JPY"))
    assert isinstance(first, Entry) and isinstance(second, Entry) and isinstance(other, Entry)  # noqa: PT018
    assert (first.seq, second.seq, other.seq) == (1, 2, 1)
    assert (first.previous_hash, second.previous_hash, other.previous_hash) == ("", first.hash, "")
    body = second.transaction.body()
    assert second.hash == seal(first.hash, 2, "2026-10", NOW, body, second.postings)
    assert book.heads["CNY"] == Head(2, second.hash)


@pytest.mark.parametrize(
    ("occurred_at", "closed_through", "booked_in"),
    [
        (datetime(2026, 9, 30, 15, 59, 59, 999_999, UTC), None, "2026-09"),
        (datetime(2026, 9, 30, 16, tzinfo=UTC), None, "2026-10"),
        (datetime(2026, 9, 30, 15, tzinfo=UTC), Period("2026-08"), "2026-09"),
        (datetime(2026, 9, 30, 15, tzinfo=UTC), Period("2026-09"), "2026-10"),
        (datetime(2025, 1, 1, tzinfo=UTC), Period("2026-12"), "2027-01"),
        (datetime(2027, 3, 1, tzinfo=UTC), Period("2026-12"), "2027-03"),
    ],
)
def test_an_event_is_booked_into_its_month_or_the_first_that_is_open(
    occurred_at: datetime, closed_through: Period | None, booked_in: str
) -> None:
    book = Book(heads={"CNY": Head(closed_through=closed_through)})
    found = enter(book, booking(occurred_at=occurred_at), NOW, ZONE)
    assert isinstance(found, Entry)
    assert found.period == booked_in


def test_a_key_may_be_255_characters_long() -> None:
    assert isinstance(enter(Book(), booking("k" * LONGEST_KEY), NOW, ZONE), Entry)


@pytest.mark.parametrize("amount", [1, 69, 70])
def test_any_part_up_to_all_that_is_held_can_be_posted(amount: int) -> None:
    part = end(Phase.POST, "hold", pool=-amount, partner=amount)
    assert isinstance(enter(a_book(), part, NOW, ZONE), Entry)


def test_what_was_held_can_be_posted_even_where_the_account_has_less_than_nothing() -> None:
    book = a_book()
    book.holdings["CNY", POOL] = Holding(10, 70)
    assert isinstance(enter(book, end(Phase.POST, "hold"), NOW, ZONE), Entry)
