"""Receipts: the touch comes back as it was, and nobody else can make one."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from adserver.api.receipts import MAX_RECEIPT_CHARS, ReceiptSigner, ReceiptTooLongError
from adserver.api.signing import ForgedTokenError, TokenSigner
from adserver.keyring import Keyring
from affiliate.link import Target, plain_code
from affiliate.order import Touch, TouchKind
from models.domain.ids import (
    AppId,
    LineItemId,
    LinkCode,
    MerchantId,
    PartnerId,
    PlacementId,
    Sku,
)
from tests.builders import offer

OLD = Keyring(b"secret", {"k1": b"1" * 32})
NEW = Keyring(b"secret", {"k2": b"2" * 32, "k1": b"1" * 32})
OTHER = Keyring(b"secret", {"k1": b"3" * 32})
SIGNER = ReceiptSigner.of(OLD)
TOUCH = Touch(
    touch_id="0f" * 16,
    kind=TouchKind.LINK,
    clicked_at=datetime(2026, 11, 22, 10, 1, 2, 345_000, tzinfo=UTC),
    partner_id=PartnerId("p_blog"),
    merchant_id=MerchantId("m_shop"),
    sku=Sku("A/1 红"),
    link_code=LinkCode("p_blog~m_shop~A%2F1%20%E7%BA%A2"),
    subs=("one", "", "drei", "", "五"),
    customer_ref="c" * 64,
    invalid="crawler",
)

texts = st.text(max_size=40)
touches = st.builds(
    Touch,
    touch_id=texts | st.binary(min_size=16, max_size=16).map(bytes.hex),
    kind=st.sampled_from(TouchKind),
    clicked_at=st.datetimes(timezones=st.just(UTC)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
    ),
    partner_id=texts,
    merchant_id=texts,
    sku=texts,
    link_code=texts,
    subs=st.tuples(*[st.text(max_size=10)] * 5),
    app_id=texts,
    placement_id=texts,
    line_item_id=texts,
    customer_ref=texts,
    invalid=texts,
)


def test_a_receipt_carries_the_whole_touch() -> None:
    assert SIGNER.read(SIGNER.sign(TOUCH)) == TOUCH


def test_a_receipt_of_an_ad_carries_its_place() -> None:
    touch = replace(
        TOUCH, kind=TouchKind.AD, link_code=LinkCode(""), app_id=AppId("a"),
        placement_id=PlacementId("pl"), line_item_id=LineItemId("li"),
    )  # fmt: skip
    assert SIGNER.read(SIGNER.sign(touch)) == touch


@given(touches)
def test_any_touch_comes_back(touch: Touch) -> None:
    assert SIGNER.read(SIGNER.sign(touch)) == touch


@pytest.mark.parametrize("code", ["", "~", "Ab3dE6g", "p_blog~m_shop"])
def test_any_code_comes_back_beside_any_product(code: str) -> None:
    touch = replace(TOUCH, link_code=LinkCode(code))
    assert SIGNER.read(SIGNER.sign(touch)) == touch


def test_the_time_is_kept_to_the_millisecond_and_in_utc() -> None:
    at = datetime(2026, 11, 22, 18, 1, 2, 345_999, tzinfo=timezone(timedelta(hours=8)))
    assert SIGNER.read(SIGNER.sign(replace(TOUCH, clicked_at=at))).clicked_at == TOUCH.clicked_at


def test_the_longest_click_of_a_link_fits() -> None:
    target = Target(PartnerId("p" * 64), MerchantId("m" * 64), Sku("s" * 128))
    longest = replace(
        TOUCH, partner_id=target.partner_id, merchant_id=target.merchant_id, sku=target.sku,
        link_code=plain_code(target), customer_ref="c" * 128, invalid="data_centre",
        subs=("1" * 128, "2" * 128, "3" * 128, "4" * 128, "5" * 128),
    )  # fmt: skip
    receipt = SIGNER.sign(longest)
    assert len(receipt) <= MAX_RECEIPT_CHARS
    assert SIGNER.read(receipt) == longest


def test_what_does_not_fit_is_refused_and_not_cut() -> None:
    with pytest.raises(ReceiptTooLongError):
        SIGNER.sign(replace(TOUCH, subs=("红" * 128,) * 5))


def test_keys_rotate_without_losing_clicks() -> None:
    receipt = SIGNER.sign(TOUCH)
    assert ReceiptSigner.of(NEW).read(receipt) == TOUCH
    with pytest.raises(ForgedTokenError):
        SIGNER.read(ReceiptSigner.of(NEW).sign(TOUCH))
    with pytest.raises(ForgedTokenError):
        ReceiptSigner.of(OTHER).read(receipt)


def test_a_beacon_is_no_receipt_and_a_receipt_no_beacon() -> None:
    tokens = TokenSigner.of(OLD)
    with pytest.raises(ForgedTokenError):
        SIGNER.read(tokens.sign(offer()))
    with pytest.raises(ForgedTokenError):
        tokens.verify(SIGNER.sign(TOUCH))


def test_changing_any_character_breaks_the_receipt() -> None:
    receipt = SIGNER.sign(TOUCH)
    for at, character in enumerate(receipt):
        forged = receipt[:at] + ("A" if character != "A" else "B") + receipt[at + 1 :]
        with pytest.raises(ForgedTokenError):
            SIGNER.read(forged)


@pytest.mark.parametrize("length", [*range(64), 255, 1_000, MAX_RECEIPT_CHARS, 8_000])
def test_receipts_of_every_length_are_forged(length: int) -> None:
    with pytest.raises(ForgedTokenError):
        SIGNER.read("A" * length)


@given(
    st.text(max_size=300)
    | st.binary(max_size=300).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
)
def test_nothing_made_up_is_ever_believed(text: str) -> None:
    with pytest.raises(ForgedTokenError):
        SIGNER.read(text)
