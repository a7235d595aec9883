"""One partner, contract, coupon or merchant that must be there, else what to do is said.

Never here: a change (`partner_changes`). The one surprising fact: what is over or archived is found
too, because what was earned under it must stay explainable.
"""

from sqlalchemy import Connection

from adserver.marketplace.problem import CatalogError, Problem
from adserver.stores import partners as stored
from affiliate.merchandise import Merchant
from affiliate.partner import Contract, Coupon, Partner
from models.domain.ids import ContractId, MerchantId, PartnerId


def refusal(kind: str, entity_id: str, message: str, field: str = "") -> CatalogError:
    """The error that says what is wrong with one of them."""
    return CatalogError(Problem(kind, entity_id, field, message))


def partner_of(connection: Connection, partner_id: PartnerId) -> Partner:
    """One partner.

    Raises:
        CatalogError: there is none.
    """
    found = stored.partners_of(connection, [partner_id]).get(partner_id)
    if found is None:
        message = "there is no such partner; `adunion partner list` shows them all"
        raise refusal("partner", partner_id, message)
    return found


def merchant_of(connection: Connection, merchant_id: MerchantId) -> Merchant:
    """One merchant.

    Raises:
        CatalogError: there is none.
    """
    found = stored.merchant_of(connection, merchant_id)
    if found is None:
        message = "there is no such merchant; `adunion merchant list` shows them all"
        raise refusal("merchant", merchant_id, message)
    return found


def versions_of(connection: Connection, contract_id: ContractId) -> list[Contract]:
    """The versions of a contract, the first one first.

    Raises:
        CatalogError: there is none.
    """
    found = stored.versions_of(connection, contract_id)
    if not found:
        message = "there is no such contract; `adunion contract list` shows them all"
        raise refusal("contract", contract_id, message)
    return found


def coupon_of(connection: Connection, merchant_id: MerchantId, code: str) -> Coupon:
    """One coupon of a merchant.

    Raises:
        CatalogError: there is none.
    """
    found = stored.coupons_of(connection, merchant_id, [code]).get(code)
    if found is None:
        message = f"{merchant_id} has no such code; `adunion coupon list` shows them all"
        raise refusal("coupon", code, message)
    return found
