"""Event ids: derived, so that a replay makes the same id and nothing else does."""

from hypothesis import given, strategies as st

from models.domain.campaign import SOLD_PRICING_MODELS, PricingModel
from models.domain.event import BILLABLE_EVENT, EventKind, event_id, offer_id
from models.domain.ids import AppId

texts = st.text(max_size=40)


@given(texts, texts, st.integers(0, 19))
def test_a_retried_request_offers_the_same_ids(app: str, request: str, position: int) -> None:
    assert offer_id(AppId(app), request, position) == offer_id(AppId(app), request, position)


def test_app_request_and_position_each_make_another_offer() -> None:
    ids = {
        offer_id(AppId(app), request, position)
        for app in ("a", "b")
        for request in ("r", "s")
        for position in (0, 1)
    }
    assert len(ids) == 8


def test_parts_of_an_offer_do_not_run_into_each_other() -> None:
    assert offer_id(AppId("a"), "bc", 0) != offer_id(AppId("ab"), "c", 0)


def test_each_kind_and_each_conversion_of_an_offer_has_its_own_id() -> None:
    offer = offer_id(AppId("a"), "r", 0)
    ids = {event_id(offer, kind) for kind in EventKind}
    ids |= {event_id(offer, EventKind.CONVERSION, order) for order in ("1", "2")}
    assert len(ids) == len(EventKind) + 2


def test_everything_sold_has_an_event_that_is_paid_for() -> None:
    assert BILLABLE_EVENT.keys() == SOLD_PRICING_MODELS - {PricingModel.CPS}
