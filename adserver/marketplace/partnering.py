"""The fields of partners, merchants, coupons and contracts, for options, files and --json alike.

Never here: how a rate is written (`rate_notation`) or what may change when (`stores`). The one
surprising fact: amounts are in the currency of the merchant or of the house, so kinds with amounts
in them are made for a currency.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from adserver.marketplace import rate_notation as money
from adserver.marketplace.buying import ACTIVE, KEY_GENERATION
from adserver.marketplace.fields import Field, Findings, Kind
from adserver.marketplace.list_notation import list_of, set_of
from adserver.marketplace.notation import (
    amount,
    choice,
    identifier,
    text,
    url,
    whole_number,
    yes_no,
)
from adserver.marketplace.problem import Problem, Sentence
from adserver.marketplace.time_notation import instant
from affiliate.merchandise import Merchant
from affiliate.partner import (
    DEFAULT_WINDOW,
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
from models.domain.ids import AppId, ContractId, MerchantId, PartnerId, PlacementId
from models.domain.money import NO_MONEY, PPM, Micros

MOST_TIERS = 50
MOST_LABELS = 1_000
LONGEST_HOLD_DAYS = 365

_REFERENCE = text(128, least=1)


def _bank(partner: Partner) -> Findings:
    if partner.bank_account and not partner.account_holder:
        yield "account_holder", Sentence("is missing: a bank account needs the name it is under")


PARTNER = Kind(
    "partner",
    "partners",
    Partner,
    "p",
    (
        Field("partner_id", identifier(), "Its id: letters, digits, _ and -.", option="id"),
        Field("name", text(200, least=1), "What people call it."),
        Field("email", money.email(), "Where statements and questions go."),
        Field("sites", list_of(url(web_only=True), 100), "Where it shows links.", option="site"),
        Field(
            "customer_refs",
            set_of(_REFERENCE, 1_000),
            "A hash under which it would buy for itself, which earns nothing.",
            option="customer-ref",
        ),
        Field("bank_account", money.bank_account(), "Where payouts go; shown by its end only."),
        Field("account_holder", text(200), "The name that the bank account is under."),
        Field("standing", choice(Standing), "How far it has come.", option=""),
        Field("standing_reason", text(500), "Why it is there.", option=""),
    ),
    within=_bank,
)


@lru_cache
def merchant_kind(currency: str) -> Kind:
    """Merchants whose rates are in this currency."""
    category = money.labelled_rate(currency, "CATEGORY=RATE")
    return Kind(
        "merchant",
        "merchants",
        Merchant,
        "m",
        (
            Field("merchant_id", identifier(), "Its id: letters, digits, _ and -.", option="id"),
            Field("name", text(200, least=1), "What people call it."),
            Field(
                "home_url",
                url(web_only=True),
                "Its shop; product pages and deep links lie under this host.",
            ),
            Field("currency", money.currency_code(), "What its orders are in; fixed once chosen."),
            Field(
                "default_rate",
                money.rate(currency),
                "What a sale earns: 8% of what was paid, or 5.00 for each piece.",
                option="rate",
            ),
            Field(
                "category_rates",
                list_of(category, MOST_LABELS, key=lambda pair: pair[0]),
                "A rate for a category, before the merchant's own.",
                option="category-rate",
            ),
            Field(
                "gift_categories",
                set_of(text(money.LONGEST_LABEL, least=1), MOST_LABELS),
                "Categories that earn nothing, such as gift cards.",
                option="gift-category",
            ),
            Field(
                "trusted",
                yes_no(),
                "true: partners are paid before the merchant has paid us.",
            ),
            KEY_GENERATION,
            ACTIVE,
        ),
    )


@lru_cache
def coupon_kind(currency: str) -> Kind:
    """Coupons whose rate is in this currency."""
    return Kind(
        "coupon",
        "coupons",
        Coupon,
        "",
        (
            Field("code", money.code(), "The code as customers type it; case does not matter."),
            Field("merchant_id", identifier(), "Where it is used.", option="merchant"),
            Field("partner_id", identifier(), "Whose sales these are.", option="partner"),
            Field("starts_at", instant(), "From when on; now when not given.", local=True),
            Field("ends_at", instant(), "Until when; open when not given.", local=True),
            Field(
                "rate",
                money.rate(currency),
                "What its sales earn, instead of every other rate.",
            ),
        ),
        within=_dates,
    )


@dataclass(frozen=True, slots=True)
class Agreement:
    """A contract version with its terms beside its dates, as it is written.

    `subsidy` is without its cap, which is `subsidy_cap_minor`; `starts_at` may be left open.
    """

    contract_id: ContractId
    partner_id: PartnerId
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    app_id: AppId | None = None
    placement_id: PlacementId | None = None
    window: timedelta = DEFAULT_WINDOW
    rates: tuple[tuple[MerchantId, Rate], ...] = ()
    same_merchant_rate: Rate | None = None
    cross_merchant_rate: Rate | None = None
    tiers: tuple[Tier, ...] = ()
    cap_minor: int | None = None
    commission_share_ppm: int = PPM
    ad_share_ppm: int = 0
    ad_tiers: tuple[Tier, ...] = ()
    ad_tier_kind: TierKind = TierKind.WHOLE
    guaranteed_ecpm_micros: Micros = NO_MONEY
    subsidy: Subsidy | None = None
    subsidy_cap_minor: int | None = None
    hold_days: int = 0
    minimum_payout_minor: int = 10_000

    @classmethod
    def of(cls, contract: Contract) -> "Agreement":
        """A contract as it is written."""
        terms = {field.name: getattr(contract.terms, field.name) for field in fields(Terms)}
        subsidy = contract.terms.subsidy
        return cls(
            contract.contract_id,
            contract.partner_id,
            contract.starts_at,
            contract.ends_at,
            contract.app_id,
            contract.placement_id,
            **{**terms, "subsidy": subsidy and replace(subsidy, cap_minor=None)},
            subsidy_cap_minor=subsidy.cap_minor if subsidy else None,
        )

    def terms(self) -> Terms:
        """The terms of the contract."""
        said = {field.name: getattr(self, field.name) for field in fields(Terms)}
        subsidy = self.subsidy and replace(self.subsidy, cap_minor=self.subsidy_cap_minor)
        return Terms(**{**said, "subsidy": subsidy})


def _dates(thing: Any) -> Findings:
    starts_at, ends_at = thing.starts_at, thing.ends_at
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        yield "ends_at", Sentence("must be later than starts_at")


def _terms(agreement: Agreement) -> Findings:
    yield from _dates(agreement)
    if agreement.subsidy_cap_minor is not None and agreement.subsidy is None:
        yield (
            "subsidy_cap",
            Sentence("limits a subsidy that is not there; give one such as support:30%%"),
        )
    for name, tiers in (("tiers", agreement.tiers), ("ad_tiers", agreement.ad_tiers)):
        starts = [tier.from_minor for tier in tiers]
        if starts != sorted(starts):
            yield name, Sentence("must rise: the tier that begins lowest first")


@lru_cache
def contract_kind(currency: str) -> Kind:
    """Contracts whose amounts are in this currency: whom it is with, and its terms."""
    head = (
        Field("contract_id", identifier(), "Its id: letters, digits, _ and -.", option="id"),
        Field("partner_id", identifier(), "Whom it is with.", option="partner"),
        Field("app_id", identifier(), "Only for ads in this app.", option="app"),
        Field("placement_id", identifier(), "Only for ads in this slot.", option="placement"),
    )
    return Kind(
        "contract", "contracts", Agreement, "c", (*head, *_term_fields(currency)), within=_terms
    )


@lru_cache
def terms_kind(currency: str) -> Kind:
    """What a further version of a contract may say otherwise."""
    head = Field("contract_id", identifier(), "Its id.", option="id")
    return Kind(
        "contract", "contracts", Agreement, "c", (head, *_term_fields(currency)), within=_terms
    )


def _term_fields(currency: str) -> tuple[Field, ...]:
    return (
        *_date_fields(),
        *_sales_fields(currency),
        *_ad_fields(currency),
        *_payout_fields(currency),
    )


def _date_fields() -> tuple[Field, ...]:
    return (
        Field(
            "starts_at",
            instant(),
            "From when on. When not given: today's midnight for a first contract, else the next.",
            local=True,
        ),
        Field("ends_at", instant(), "Until when; open when not given.", local=True),
    )


def _sales_fields(currency: str) -> tuple[Field, ...]:
    by_merchant = money.labelled_rate(currency, "[MERCHANT=]RATE", unlabelled=True)
    return (
        Field(
            "commission_share",
            money.percent(),
            "The partner's part of each commission; the rest is the house's fee.",
            attribute="commission_share_ppm",
            option="share",
        ),
        Field("window", money.span(), "How long after a click a sale is the partner's."),
        Field(
            "rates",
            list_of(by_merchant, MOST_LABELS, key=lambda pair: pair[0]),
            "What a sale earns instead of the product's rate: 12% or 5.00 a piece for all "
            "merchants, shop=12% for one.",
            option="rate",
        ),
        Field(
            "same_merchant_rate",
            money.rate(currency),
            "For another product of the merchant that was clicked.",
        ),
        Field(
            "cross_merchant_rate",
            money.rate(currency),
            "For another merchant than was clicked; such sales earn nothing without it.",
        ),
        _tiers_field("tiers", currency, "From this much approved revenue in a month on, this rate"),
        Field(
            "cap",
            money.minor(currency),
            "The most that commissions of a month come to.",
            attribute="cap_minor",
        ),
    )


def _tiers_field(name: str, currency: str, meaning: str) -> Field:
    notation = list_of(money.tier(currency), MOST_TIERS, key=lambda tier: tier.from_minor)
    return Field(name, notation, f"{meaning}: 100000:12%.", option=name[:-1].replace("_", "-"))


def _ad_fields(currency: str) -> tuple[Field, ...]:
    return (
        Field(
            "ad_share",
            money.percent(),
            "The partner's part of what advertisers pay for its apps' ads.",
            attribute="ad_share_ppm",
        ),
        _tiers_field("ad_tiers", currency, "From this much ad revenue in a month on, this share"),
        Field(
            "ad_tier_kind",
            choice(TierKind),
            "whole: the share reached counts for all of it; marginal: for what lies above.",
        ),
        Field(
            "guaranteed_ecpm",
            amount(least=0),
            "The least that a thousand valid impressions bring the partner.",
            attribute="guaranteed_ecpm_micros",
        ),
    )


def _payout_fields(currency: str) -> tuple[Field, ...]:
    return (
        Field(
            "subsidy",
            money.subsidy(),
            "A further share that a fund pays, of ad revenue and of commissions: support:30%.",
        ),
        Field(
            "subsidy_cap",
            money.minor(currency),
            "The most of it in a month.",
            attribute="subsidy_cap_minor",
        ),
        Field(
            "hold_days",
            whole_number(0, LONGEST_HOLD_DAYS),
            "Days between the customer's receipt of the goods and payable money.",
        ),
        Field(
            "minimum_payout",
            money.minor(currency),
            "Less than this waits for the next month.",
            attribute="minimum_payout_minor",
        ),
    )


def faults(kind: Kind, entity: Any) -> Iterator[Problem]:
    """Everything that is wrong with one of these by itself, as `rules` does for the catalog."""
    sound = True
    for field in kind.fields:
        value = getattr(entity, field.attribute_name)
        if value is None and not kind.is_required(field):
            continue
        if message := field.notation.check(value):
            sound = False
            yield Problem(kind.name, kind.id_of(entity), field.name, message)
    if sound:
        for name, message in kind.within(entity):
            yield Problem(kind.name, kind.id_of(entity), name, message)
