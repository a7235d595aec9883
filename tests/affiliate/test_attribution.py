"""Who sent the customer, to the millisecond, and why nobody did."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, strategies as st

from affiliate.attribution import (
    Attributed,
    Evidence,
    Method,
    Relation,
    Unattributed,
    Unearned,
    attribute,
)
from affiliate.order import NO_SKU, OrderLine, Status, Touch
from affiliate.partner import DEFAULT_WINDOW, Coupon, Standing, Terms
from models.domain.ids import ContractId, Sku
from tests.affiliate.sales import (
    ANN,
    BOB,
    M2,
    MS,
    SOLD_AT,
    contract,
    coupon,
    evidence,
    line,
    partner,
    percent,
    touch,
)

US = timedelta(microseconds=1)
CROSS = {ANN: [contract(terms=Terms(cross_merchant_rate=percent(2)))]}


def credited(order_line: OrderLine, known: Evidence) -> Attributed:
    answer = attribute(order_line, known)
    assert isinstance(answer, Attributed), answer
    return answer


def refused(order_line: OrderLine, known: Evidence) -> Unattributed:
    answer = attribute(order_line, known)
    assert isinstance(answer, Unattributed), answer
    return answer


def test_the_owner_of_the_coupon_beats_the_click() -> None:
    answer = credited(
        line(), evidence(coupon=coupon(), clicked=touch(partner_id=BOB), touches=[touch()])
    )
    assert (answer.partner_id, answer.method) == (ANN, Method.COUPON)
    assert (answer.coupon, answer.touch) == (coupon(), None)
    assert answer.relation is Relation.DIRECT


@pytest.mark.parametrize(
    ("dates", "method"),
    [
        ({"starts_at": SOLD_AT}, Method.COUPON),
        ({"starts_at": SOLD_AT + US}, Method.CLICK),
        ({"ends_at": SOLD_AT}, Method.CLICK),
        ({"ends_at": SOLD_AT + US}, Method.COUPON),
    ],
)
def test_a_coupon_holds_from_its_start_until_its_end(
    dates: dict[str, datetime], method: Method
) -> None:
    answer = credited(line(), evidence(coupon=coupon(**dates), clicked=touch()))
    assert answer.method is method


def test_the_own_click_beats_the_customers_other_clicks() -> None:
    later = touch(touch_id="t2", partner_id=BOB, clicked_at=SOLD_AT)
    answer = credited(line(), evidence(clicked=touch(), touches=[later]))
    assert (answer.partner_id, answer.method) == (ANN, Method.CLICK)
    assert answer.touch == touch()
    assert answer.coupon is None
    assert answer.contract.contract_id == "c1"


def test_the_customers_last_click_counts_whatever_the_order_of_the_log() -> None:
    first = touch(clicked_at=SOLD_AT - 2 * MS)
    last = touch(touch_id="t0", partner_id=BOB, clicked_at=SOLD_AT - MS)
    for touches in ([first, last], [last, first]):
        answer = credited(line(), evidence(touches=touches))
        assert (answer.touch, answer.method) == (last, Method.CUSTOMER)


def test_of_two_clicks_in_one_instant_the_one_with_the_greater_id_counts() -> None:
    one, other = touch(touch_id="t1"), touch(touch_id="t2", partner_id=BOB)
    for touches in ([one, other], [other, one]):
        assert credited(line(), evidence(touches=touches)).touch == other


@pytest.mark.parametrize("window", [DEFAULT_WINDOW, timedelta(days=1), 1500 * MS, timedelta(0)])
def test_the_window_includes_its_last_millisecond_and_no_more(window: timedelta) -> None:
    contracts = {ANN: [contract(terms=Terms(window=window))]}
    inside, outside = SOLD_AT - window, SOLD_AT - window - MS
    known = evidence(contracts=contracts, clicked=touch(clicked_at=inside))
    assert credited(line(), known).partner_id == ANN
    known = evidence(contracts=contracts, clicked=touch(clicked_at=outside))
    assert refused(line(), known).reason is Unearned.OUTSIDE_WINDOW


def test_the_window_is_fifteen_days_where_the_contract_says_nothing() -> None:
    assert Terms().window == timedelta(days=15)
    known = evidence(clicked=touch(clicked_at=SOLD_AT - timedelta(days=15)))
    assert credited(line(), known).partner_id == ANN


def test_the_window_is_judged_on_whole_milliseconds() -> None:
    contracts = {ANN: [contract(terms=Terms(window=1500 * US))]}
    known = evidence(contracts=contracts, clicked=touch(clicked_at=SOLD_AT - MS))
    assert credited(line(), known).partner_id == ANN
    known = evidence(contracts=contracts, clicked=touch(clicked_at=SOLD_AT - 2 * MS))
    assert refused(line(), known).reason is Unearned.OUTSIDE_WINDOW
    order = line(occurred_at=SOLD_AT + 999 * US)
    known = evidence(clicked=touch(clicked_at=SOLD_AT - DEFAULT_WINDOW))
    assert credited(order, known).partner_id == ANN
    order = line(occurred_at=SOLD_AT + 1000 * US)
    assert refused(order, known).reason is Unearned.OUTSIDE_WINDOW


def test_a_click_after_the_order_is_refused() -> None:
    known = evidence(clicked=touch(clicked_at=SOLD_AT))
    assert credited(line(), known).partner_id == ANN
    known = evidence(clicked=touch(clicked_at=SOLD_AT + 999 * US))
    assert credited(line(), known).partner_id == ANN
    known = evidence(clicked=touch(clicked_at=SOLD_AT + MS))
    assert refused(line(), known).reason is Unearned.CLICK_AFTER_ORDER


def test_a_click_of_the_customer_after_the_order_is_as_if_it_had_never_been() -> None:
    known = evidence(touches=[touch(clicked_at=SOLD_AT + MS)])
    assert refused(line(), known) == Unattributed(Unearned.NO_TOUCH)
    known = evidence(touches=[touch(clicked_at=SOLD_AT)])
    assert credited(line(), known).method is Method.CUSTOMER


def test_nobody_clicked() -> None:
    assert refused(line(), evidence()) == Unattributed(Unearned.NO_TOUCH)
    assert refused(line(), Evidence()) == Unattributed(Unearned.NO_TOUCH)
    nobody_known = refused(line(), Evidence(clicked=touch()))
    assert nobody_known.reason is Unearned.PARTNER_NOT_APPROVED


def test_a_click_id_of_somebody_elses_making_is_named() -> None:
    assert refused(line(), evidence(click_is_bad=True)) == Unattributed(Unearned.BAD_CLICK)


REFUSED = [
    ({"clicked_at": SOLD_AT + MS}, Unearned.CLICK_AFTER_ORDER),
    ({"clicked_at": SOLD_AT - DEFAULT_WINDOW - MS}, Unearned.OUTSIDE_WINDOW),
    ({"merchant_id": M2}, Unearned.OTHER_MERCHANT),
    ({"invalid": "bot"}, Unearned.INVALID_TRAFFIC),
]


@pytest.mark.parametrize(("changes", "reason"), REFUSED)
def test_a_click_that_does_not_apply_says_why(changes: dict[str, object], reason: Unearned) -> None:
    bad = touch(**changes)
    assert refused(line(), evidence(clicked=bad)) == Unattributed(reason, ANN, None, bad)


@pytest.mark.parametrize(("changes", "reason"), REFUSED[1:])
def test_the_last_click_of_the_customer_says_why_it_does_not_apply(
    changes: dict[str, object], reason: Unearned
) -> None:
    bad = touch(**changes)
    older = touch(touch_id="t0", partner_id=BOB, clicked_at=SOLD_AT - timedelta(days=30))
    for touches in ([bad, older], [older, bad]):
        answer = refused(line(), evidence(touches=touches))
        assert answer.reason is reason
        assert answer.method is None


@pytest.mark.parametrize("changes", [changes for changes, _ in REFUSED])
def test_a_click_that_does_not_apply_leaves_the_line_to_the_customers_last_click(
    changes: dict[str, object],
) -> None:
    bad = touch(touch_id="t9", **changes)
    good = touch(touch_id="t2", partner_id=BOB, clicked_at=SOLD_AT - timedelta(days=2))
    for known in (evidence(clicked=bad, touches=[good]), evidence(touches=[good, bad])):
        answer = credited(line(), known)
        assert (answer.partner_id, answer.method, answer.touch) == (BOB, Method.CUSTOMER, good)


def test_a_bad_click_id_leaves_the_line_to_the_customers_last_click() -> None:
    answer = credited(line(), evidence(click_is_bad=True, touches=[touch()]))
    assert answer.method is Method.CUSTOMER


def test_the_own_click_names_the_reason_before_the_customers() -> None:
    known = evidence(clicked=touch(merchant_id=M2), touches=[touch(invalid="bot")])
    assert refused(line(), known).reason is Unearned.OTHER_MERCHANT
    known = evidence(click_is_bad=True, touches=[touch(invalid="bot")])
    assert refused(line(), known).reason is Unearned.BAD_CLICK


@pytest.mark.parametrize(
    ("sku", "relation"),
    [
        (Sku("s1"), Relation.DIRECT),
        (NO_SKU, Relation.DIRECT),
        (Sku("s2"), Relation.SAME_MERCHANT),
    ],
)
def test_what_was_bought_is_seen_from_what_was_clicked(sku: Sku, relation: Relation) -> None:
    assert credited(line(), evidence(clicked=touch(sku=sku))).relation is relation


def test_another_merchants_click_earns_only_where_the_contract_has_a_rate_for_it() -> None:
    elsewhere = touch(merchant_id=M2)
    answer = credited(line(), evidence(clicked=elsewhere, contracts=CROSS))
    assert answer.relation is Relation.CROSS_MERCHANT
    answer = credited(line(), evidence(touches=[elsewhere], contracts=CROSS))
    assert answer.relation is Relation.CROSS_MERCHANT
    assert refused(line(), evidence(clicked=elsewhere)).reason is Unearned.OTHER_MERCHANT
    known = evidence(clicked=elsewhere, contracts={})
    assert refused(line(), known).reason is Unearned.OTHER_MERCHANT


@pytest.mark.parametrize(
    "found_by",
    [{"coupon": coupon()}, {"clicked": touch()}, {"touches": [touch()]}],
    ids=["coupon", "click", "customer"],
)
class TestWhoIsFoundAndMayNotEarn:
    """Nobody else earns the line then."""

    def answer(self, found_by: dict[str, object], **changes: object) -> Unattributed:
        others = [*found_by.get("touches", ()), touch(partner_id=BOB, clicked_at=SOLD_AT - 9 * MS)]
        if "touches" not in found_by:
            found_by = {**found_by, "touches": others}
        answer = refused(line(customer_ref="c-ann"), evidence(**found_by, **changes))
        assert answer.partner_id == ANN
        assert answer.method is not None
        assert (answer.touch is None) == ("coupon" in found_by)
        return answer

    @pytest.mark.parametrize("standing", [Standing.APPLIED, Standing.REJECTED, Standing.SUSPENDED])
    def test_a_partner_who_is_not_approved(
        self, found_by: dict[str, object], standing: Standing
    ) -> None:
        partners = {ANN: partner(standing=standing), BOB: partner(partner_id=BOB)}
        reason = self.answer(found_by, partners=partners).reason
        assert reason is Unearned.PARTNER_NOT_APPROVED

    def test_a_partner_nobody_knows(self, found_by: dict[str, object]) -> None:
        reason = self.answer(found_by, partners={}).reason
        assert reason is Unearned.PARTNER_NOT_APPROVED

    @pytest.mark.parametrize(
        "contracts",
        [
            {},
            {ANN: [contract(starts_at=SOLD_AT + US)]},
            {ANN: [contract(ends_at=SOLD_AT)]},
            {ANN: [contract(app_id="app1")]},
            {ANN: [contract(placement_id="pl1")]},
        ],
        ids=["none", "later", "over", "of an app", "of a placement"],
    )
    def test_a_partner_without_a_contract_for_sales(
        self, found_by: dict[str, object], contracts: dict[object, object]
    ) -> None:
        reason = self.answer(found_by, contracts=contracts).reason
        assert reason is Unearned.NO_CONTRACT

    def test_a_partner_who_buys(self, found_by: dict[str, object]) -> None:
        partners = {ANN: partner(customer_refs=frozenset({"c-ann", "c-ann2"}))}
        reason = self.answer(found_by, partners=partners).reason
        assert reason is Unearned.SELF_PURCHASE


def test_a_customer_without_a_name_is_nobodys_own_purchase() -> None:
    partners = {ANN: partner(customer_refs=frozenset({"", "c-ann"}))}
    known = evidence(clicked=touch(), partners=partners)
    assert credited(line(), known).partner_id == ANN
    assert credited(line(customer_ref="c-bob"), known).partner_id == ANN


@pytest.mark.parametrize(("age", "version"), [(0 * US, 2), (US, 1), (-US, 2)])
def test_the_contract_in_force_when_the_line_was_paid_for_judges_it(
    age: timedelta, version: int
) -> None:
    contracts = {
        ANN: [contract(ends_at=SOLD_AT), contract(version=2, starts_at=SOLD_AT)],
    }
    order = line(occurred_at=SOLD_AT - age)
    known = evidence(clicked=touch(), contracts=contracts)
    assert credited(order, known).contract.version == version


def test_of_several_contracts_in_force_the_newest_counts() -> None:
    older, newer = contract(), contract(contract_id=ContractId("b"), starts_at=SOLD_AT)
    for pair in ([older, newer], [newer, older]):
        known = evidence(clicked=touch(), contracts={ANN: pair})
        assert credited(line(), known).contract == newer


def test_the_window_is_that_of_the_contract_when_the_line_was_paid_for() -> None:
    contracts = {
        ANN: [
            contract(ends_at=SOLD_AT, terms=Terms(window=timedelta(days=30))),
            contract(version=2, starts_at=SOLD_AT, terms=Terms(window=timedelta(hours=1))),
        ]
    }
    known = evidence(clicked=touch(clicked_at=SOLD_AT - timedelta(hours=2)), contracts=contracts)
    assert refused(line(), known).reason is Unearned.OUTSIDE_WINDOW
    assert credited(line(occurred_at=SOLD_AT - US), known).contract.version == 1


def test_a_line_is_judged_when_it_was_first_paid_for_and_not_when_it_was_last_told_of() -> None:
    order = line(
        {"status": Status.PLACED, "occurred_at": SOLD_AT - timedelta(days=1)},
        {"status": Status.PAID},
        {"status": Status.RECEIVED, "occurred_at": SOLD_AT + timedelta(days=30)},
    )
    known = evidence(clicked=touch(clicked_at=SOLD_AT - DEFAULT_WINDOW))
    assert credited(order, known).partner_id == ANN


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        ([Status.PLACED], Unearned.NOT_PAID),
        ([Status.PLACED, Status.CANCELLED], Unearned.CANCELLED),
        ([Status.CANCELLED, Status.PLACED], Unearned.NOT_PAID),
        ([Status.CANCELLED], Unearned.UNMATCHED_REFUND),
        ([Status.REFUNDED], Unearned.UNMATCHED_REFUND),
        ([Status.PLACED, Status.REFUNDED], Unearned.UNMATCHED_REFUND),
    ],
)
def test_a_line_that_was_never_paid_for_is_nobodys(
    statuses: Sequence[Status], reason: Unearned
) -> None:
    order = line(*({"status": status} for status in statuses))
    answer = refused(order, evidence(coupon=coupon(), clicked=touch()))
    assert answer == Unattributed(reason)


def test_a_cancelled_line_keeps_its_partner() -> None:
    order = line({}, {"status": Status.CANCELLED})
    assert credited(order, evidence(clicked=touch())).partner_id == ANN


instants = st.integers(-3, 40).map(lambda days: SOLD_AT - timedelta(days=days))
clicks = st.builds(
    touch,
    touch_id=st.text("abc", min_size=1, max_size=3),
    clicked_at=instants,
    partner_id=st.sampled_from([ANN, BOB]),
    merchant_id=st.sampled_from(["m1", "m2"]),
    sku=st.sampled_from(["", "s1", "s2"]),
    invalid=st.sampled_from(["", "", "bot"]),
)


@given(
    st.lists(clicks, max_size=6, unique_by=lambda one: one.touch_id),
    st.none() | clicks,
    st.none() | st.builds(coupon, starts_at=instants, partner_id=st.sampled_from([ANN, BOB])),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_clicks_in_the_log_never_matters(
    touches: list[Touch], clicked: Touch | None, code: Coupon | None, chance: Random
) -> None:
    known = evidence(touches=touches, clicked=clicked, coupon=code)
    shuffled = list(touches)
    chance.shuffle(shuffled)
    assert attribute(line(), known) == attribute(line(), replace(known, touches=shuffled))


@given(st.lists(clicks, max_size=6), st.none() | clicks)
def test_whoever_earns_was_inside_the_window_at_the_merchant_and_a_person(
    touches: list[Touch], clicked: Touch | None
) -> None:
    answer = attribute(line(), evidence(touches=touches, clicked=clicked))
    good = [
        one
        for one in [*touches, *([clicked] if clicked else [])]
        if timedelta(0) <= SOLD_AT - one.clicked_at <= DEFAULT_WINDOW
        and one.merchant_id == "m1"
        and not one.invalid
    ]
    if isinstance(answer, Attributed):
        assert answer.touch in good
    else:
        assert good == []
