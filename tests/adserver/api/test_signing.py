"""Tokens and signatures: what was signed here is believed, everything else is not."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from adserver.api.signing import (
    MAX_TOKEN_CHARS,
    ForgedTokenError,
    TokenSigner,
    signature,
    signature_fault,
)
from adserver.keyring import Keyring
from models.domain.campaign import PricingModel
from models.domain.ids import LineItemId, PartnerId, UserKey
from models.domain.money import Micros
from models.domain.placement import Format
from tests.builders import offer

OLD = Keyring(b"secret", {"k1": b"1" * 32})
NEW = Keyring(b"secret", {"k2": b"2" * 32, "k1": b"1" * 32})
OTHER = Keyring(b"secret", {"k1": b"3" * 32})


def test_a_token_carries_the_whole_offer() -> None:
    whole = offer(
        format=Format.REWARDED_VIDEO, pricing=PricingModel.CPA, price_micros=Micros(2**62),
        utc_offset_s=-34_200, user_key=UserKey(2**63 - 1), partner_id=PartnerId("p"), test=True,
    )  # fmt: skip
    signer = TokenSigner.of(OLD)
    assert signer.verify(signer.sign(whole)) == whole


def test_a_token_of_an_unnamed_user_and_of_ids_beyond_ascii_comes_back() -> None:
    signer = TokenSigner.of(OLD)
    whole = offer(user_key=None, line_item_id=LineItemId("订单-1"))
    assert signer.verify(signer.sign(whole)) == whole


def test_keys_rotate_without_losing_beacons() -> None:
    token = TokenSigner.of(OLD).sign(offer())
    assert TokenSigner.of(NEW).verify(token) == offer()
    with pytest.raises(ForgedTokenError):
        TokenSigner.of(OLD).verify(TokenSigner.of(NEW).sign(offer()))


def test_another_key_of_the_same_name_is_not_believed() -> None:
    with pytest.raises(ForgedTokenError):
        TokenSigner.of(OTHER).verify(TokenSigner.of(OLD).sign(offer()))


def test_changing_any_character_breaks_the_token() -> None:
    signer = TokenSigner.of(OLD)
    token = signer.sign(offer())
    for at, character in enumerate(token):
        forged = token[:at] + ("A" if character != "A" else "B") + token[at + 1 :]
        with pytest.raises(ForgedTokenError):
            signer.verify(forged)


@pytest.mark.parametrize(
    "change", [lambda t: t + "=", lambda t: t + "\n", lambda t: t + "AAAA", lambda t: t[:-1]]
)
def test_a_token_has_one_spelling(change: Callable[[str], str]) -> None:
    signer = TokenSigner.of(OLD)
    with pytest.raises(ForgedTokenError):
        signer.verify(change(signer.sign(offer())))


@pytest.mark.parametrize("length", [*range(64), 255, 256, 1_000, MAX_TOKEN_CHARS, 8_000])
def test_tokens_of_every_length_are_forged(length: int) -> None:
    with pytest.raises(ForgedTokenError):
        TokenSigner.of(OLD).verify("A" * length)


@given(
    st.text(max_size=300)
    | st.binary(max_size=300).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
)
def test_nothing_made_up_is_ever_believed(token: str) -> None:
    with pytest.raises(ForgedTokenError):
        TokenSigner.of(OLD).verify(token)


BODY = b'{"conversions":[]}'


def test_a_signature_holds_for_its_body_secret_and_time() -> None:
    header = signature("s", 1_000_000, BODY)
    assert signature_fault(header, "s", BODY, 1_000_299) == ""
    assert signature_fault(header, "s", BODY + b" ", 1_000_000) == "X-Signature does not match"
    assert signature_fault(header, "t", BODY, 1_000_000) == "X-Signature does not match"
    assert "300 seconds" in signature_fault(header, "s", BODY, 1_000_301)
    assert "300 seconds" in signature_fault(header, "s", BODY, 999_699)


@given(st.text(max_size=100))
def test_no_header_made_up_holds(header: str) -> None:
    assert signature_fault(header, "s", BODY, 1_000_000)


@pytest.mark.parametrize(
    "header", ["t=1000000", "v1=ab", "t=1000000,v1=", "t=²,v1=a", "t=-1,v1=a", "t=1e6,v1=a"]
)
def test_half_a_signature_does_not_hold(header: str) -> None:
    assert signature_fault(header, "s", BODY, 1_000_000)
