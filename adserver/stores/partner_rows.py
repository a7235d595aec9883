"""Partners, contracts, coupons and merchants as rows of their tables, and back.

Never here: queries (`partners`). The one surprising fact: terms are one document, so that a term
that is added later needs no new column, and contracts from before it have its default.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from affiliate.merchandise import Merchant
from affiliate.partner import (
    Contract,
    Coupon,
    Partner,
    Rate,
    Standing,
    Subsidy,
    Terms,
    Tier,
    TierKind,
)
from models.domain.ids import AppId, ContractId, MerchantId, PartnerId, PlacementId, PoolId
from models.domain.money import Micros

Document = dict[str, Any]


def code_key(code: str) -> str:
    """What makes two coupon codes the same: all but the case of their letters."""
    return code.strip().casefold()


def rate_document(rate: Rate | None) -> Document | None:
    """A rate as JSON; `rate_from` reads it."""
    if rate is None:
        return None
    return {"flat_minor": rate.flat_minor} if rate.ppm is None else {"ppm": rate.ppm}


def rate_from(document: Document | None) -> Rate | None:
    """The rate of a document."""
    return None if document is None else Rate(**document)


def terms_document(terms: Terms) -> Document:
    """Terms as JSON, in seconds, ppm and minor units; what is at its default is written too."""
    return {
        "window_us": terms.window // timedelta(microseconds=1),
        "rates": [[merchant, rate_document(rate)] for merchant, rate in terms.rates],
        "same_merchant_rate": rate_document(terms.same_merchant_rate),
        "cross_merchant_rate": rate_document(terms.cross_merchant_rate),
        "tiers": _tiers_document(terms.tiers),
        "cap_minor": terms.cap_minor,
        "commission_share_ppm": terms.commission_share_ppm,
        "ad_share_ppm": terms.ad_share_ppm,
        "ad_tiers": _tiers_document(terms.ad_tiers),
        "ad_tier_kind": terms.ad_tier_kind.value,
        "guaranteed_ecpm_micros": terms.guaranteed_ecpm_micros,
        "subsidy": terms.subsidy and _subsidy_document(terms.subsidy),
        "hold_days": terms.hold_days,
        "minimum_payout_minor": terms.minimum_payout_minor,
    }


def terms_from(document: Document) -> Terms:
    """The terms of a document; a term that it does not know is at its default."""
    document = _DEFAULT_TERMS | document
    subsidy = document["subsidy"]
    return Terms(
        window=timedelta(microseconds=document["window_us"]),
        rates=tuple((MerchantId(name), Rate(**rate)) for name, rate in document["rates"]),
        same_merchant_rate=rate_from(document["same_merchant_rate"]),
        cross_merchant_rate=rate_from(document["cross_merchant_rate"]),
        tiers=_tiers_from(document["tiers"]),
        cap_minor=document["cap_minor"],
        commission_share_ppm=document["commission_share_ppm"],
        ad_share_ppm=document["ad_share_ppm"],
        ad_tiers=_tiers_from(document["ad_tiers"]),
        ad_tier_kind=TierKind(document["ad_tier_kind"]),
        guaranteed_ecpm_micros=Micros(document["guaranteed_ecpm_micros"]),
        subsidy=Subsidy(PoolId(subsidy["pool_id"]), subsidy["share_ppm"], subsidy["cap_minor"])
        if subsidy
        else None,
        hold_days=document["hold_days"],
        minimum_payout_minor=document["minimum_payout_minor"],
    )


def partner_row(partner: Partner) -> Document:
    """The columns of a partner but `changed_at`."""
    return {
        "partner_id": partner.partner_id,
        "name": partner.name,
        "email": partner.email,
        "standing": partner.standing.value,
        "standing_reason": partner.standing_reason,
        "sites": list(partner.sites),
        "customer_refs": sorted(partner.customer_refs),
        "bank_account": partner.bank_account,
        "account_holder": partner.account_holder,
        "key_generation": 1,  # a column of former keys; nobody reads it
    }


def partner_from(row: RowMapping | Document) -> Partner:
    """The partner of a row, or of a state in the history."""
    return Partner(
        partner_id=PartnerId(row["partner_id"]),
        name=row["name"],
        email=row["email"],
        standing=Standing(row["standing"]),
        standing_reason=row["standing_reason"],
        sites=tuple(row["sites"]),
        customer_refs=frozenset(row["customer_refs"]),
        bank_account=row["bank_account"],
        account_holder=row["account_holder"],
    )


def merchant_row(merchant: Merchant) -> Document:
    """The columns of a merchant but `changed_at`."""
    return {
        "merchant_id": merchant.merchant_id,
        "name": merchant.name,
        "home_url": merchant.home_url,
        "currency": merchant.currency,
        "default_rate": rate_document(merchant.default_rate),
        "category_rates": [[name, rate_document(rate)] for name, rate in merchant.category_rates],
        "gift_categories": sorted(merchant.gift_categories),
        "trusted": merchant.trusted,
        "active": merchant.active,
        "key_generation": merchant.key_generation,
    }


def merchant_from(row: RowMapping | Document) -> Merchant:
    """The merchant of a row, or of a state in the history."""
    return Merchant(
        merchant_id=MerchantId(row["merchant_id"]),
        name=row["name"],
        home_url=row["home_url"],
        currency=row["currency"],
        default_rate=Rate(**row["default_rate"]),
        category_rates=tuple((name, Rate(**rate)) for name, rate in row["category_rates"]),
        gift_categories=frozenset(row["gift_categories"]),
        trusted=row["trusted"],
        active=row["active"],
        key_generation=row["key_generation"],
    )


def contract_row(contract: Contract) -> Document:
    """The columns of a contract version but `made_at`."""
    return {
        "contract_id": contract.contract_id,
        "version": contract.version,
        "partner_id": contract.partner_id,
        "app_id": contract.app_id,
        "placement_id": contract.placement_id,
        "starts_at": contract.starts_at,
        "ends_at": contract.ends_at,
        "terms": terms_document(contract.terms),
    }


def contract_from(row: RowMapping) -> Contract:
    """The contract version of a row."""
    return Contract(
        contract_id=ContractId(row["contract_id"]),
        version=row["version"],
        partner_id=PartnerId(row["partner_id"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        terms=terms_from(row["terms"]),
        app_id=row["app_id"] and AppId(row["app_id"]),
        placement_id=row["placement_id"] and PlacementId(row["placement_id"]),
    )


def coupon_row(coupon: Coupon) -> Document:
    """The columns of a coupon but `made_at`."""
    return {
        "merchant_id": coupon.merchant_id,
        "code_key": code_key(coupon.code),
        "code": coupon.code,
        "partner_id": coupon.partner_id,
        "starts_at": coupon.starts_at,
        "ends_at": coupon.ends_at,
        "rate": rate_document(coupon.rate),
    }


def coupon_from(row: RowMapping) -> Coupon:
    """The coupon of a row."""
    return Coupon(
        code=row["code"],
        merchant_id=MerchantId(row["merchant_id"]),
        partner_id=PartnerId(row["partner_id"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        rate=rate_from(row["rate"]),
    )


def state_of(row: Document) -> Document:
    """A row as the history keeps it: instants as text."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _tiers_document(tiers: tuple[Tier, ...]) -> list[list[int]]:
    return [[tier.from_minor, tier.rate_ppm] for tier in tiers]


def _tiers_from(document: list[list[int]]) -> tuple[Tier, ...]:
    return tuple(Tier(from_minor, rate_ppm) for from_minor, rate_ppm in document)


def _subsidy_document(subsidy: Subsidy) -> Document:
    return {
        "pool_id": subsidy.pool_id,
        "share_ppm": subsidy.share_ppm,
        "cap_minor": subsidy.cap_minor,
    }


_DEFAULT_TERMS = terms_document(Terms())
