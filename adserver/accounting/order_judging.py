"""From a line and its judgement to its row, column by column.

Never here: SQL, or a rule about money (`affiliate`). The one surprising fact: the estimate is
written when a sale is first known to be a partner's and is kept from then on; what the sale comes
to later stands beside it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from adserver.accounting.order_basis import Basis, basis_of_row, basis_text, goods_of
from adserver.stores.order_rows import OrderRow, row_columns
from affiliate.attribution import Attributed, Unattributed
from affiliate.calendar import period_of
from affiliate.commission import Claim, Earning
from affiliate.order import OrderFact, OrderLine, Touch
from affiliate.partner import Terms

LONGEST_RULE = 200
_NO_TOUCH: dict[str, Any] = dict.fromkeys(
    ("touch_id", "touch_kind", "link_code", "app_id", "placement_id", "line_item_id",
     "sub1", "sub2", "sub3", "sub4", "sub5"), "",
)  # fmt: skip
_NOTHING: dict[str, Any] = {
    "basis": "", "rule": "", "rate_ppm": None, "flat_minor": None, "base_minor": 0,
    "estimated_commission_minor": None, "estimated_partner_minor": None,
    "actual_commission_minor": None, "actual_partner_minor": None,
    "commission_minor": 0, "partner_minor": 0, "fee_minor": 0,
    "pool_id": "", "subsidy_granted_minor": 0, "subsidy_minor": 0,
}  # fmt: skip


@dataclass(slots=True)
class Case:
    """A line that is judged.

    `basis` is None for a line that is nobody's. `occurred_at` is when what changes it happened.
    """

    row_id: str
    before: OrderRow | None
    line: OrderLine
    found: Attributed | Unattributed
    basis: Basis | None
    occurred_at: datetime
    wanted_subsidy: int = 0

    def claim(self) -> Claim:
        """An attributed line as the rules of commission take it."""
        assert isinstance(self.found, Attributed)
        assert self.basis is not None
        sale = self.line.sale
        goods = goods_of(self.basis, sale.merchant_id, sale.occurred_at)
        return Claim(self.row_id, self.line, goods, self.found)


def scope_of(found: Attributed, sale: OrderFact, zone: tzinfo) -> str:
    """The contract version, month and currency in which a sale earns: no sum mixes two of them."""
    contract, period = found.contract, period_of(sale.occurred_at, zone)
    return f"{contract.contract_id}:{contract.version}:{period}:{sale.currency}"


def is_shared(terms: Terms) -> bool:
    """Whether what one line earns depends on the others of its contract and month."""
    return bool(terms.tiers) or terms.cap_minor is not None


def row_of(case: Case, earning: Earning | None, zone: tzinfo, now: datetime) -> OrderRow:
    """The row of a line as judged; its subsidy is still what it was (`funds`)."""
    before, earned = case.before, earning and _earned(case, earning)
    fields = _told(case.line) | _whose(case.found, case.line, zone)
    fields |= _NOTHING | (earned or {}) | _progress(before, fields["partner_id"])
    fields["pool_id"] = _pool_of(case.found)
    if earned and before is not None and keeps_grant(case):
        for name in ("subsidy_granted_minor", "subsidy_minor"):
            fields[name] = getattr(before, name)
    fields["modified_at"] = before.modified_at if before else now
    fields["modified_seq"] = before.modified_seq if before else 0
    return OrderRow(row_id=case.row_id, **fields)


def keeps_grant(case: Case) -> bool:
    """Whether what a fund granted to the row before is granted to it still."""
    before, pool = case.before, _pool_of(case.found)
    if before is None or before.partner_id != case.found.partner_id:
        return False
    return bool(pool) and before.pool_id == pool


def _pool_of(found: Attributed | Unattributed) -> str:
    """The fund that adds to what a line earns."""
    subsidy = found.contract.terms.subsidy if isinstance(found, Attributed) else None
    return subsidy.pool_id if subsidy else ""


def earned_again(case: Case, earning: Earning) -> OrderRow:
    """The row of a line about which nothing new is known but what others leave it to earn."""
    assert case.before is not None
    earned, before = _earned(case, earning), case.before
    if all(getattr(before, name) == value for name, value in earned.items()):
        return before
    return OrderRow(**row_columns(before) | earned)


def _told(line: OrderLine) -> dict[str, Any]:
    latest = line.latest
    return {
        "merchant_id": latest.merchant_id,
        "order_id": latest.order_id,
        "line_id": latest.line_id,
        "version": latest.version,
        "status": latest.status.value,
        "sku": latest.sku,
        "category": latest.category,
        "quantity": latest.quantity,
        "currency": latest.currency,
        "paid_minor": latest.paid_minor,
        "refunded_minor": line.refunded_minor,
        "paid_at": line.first_paid and line.first_paid.occurred_at,
        "received_at": line.received_at,
        "customer_ref": line.customer_ref,
    }


def _whose(found: Attributed | Unattributed, line: OrderLine, zone: tzinfo) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "partner_id": found.partner_id,
        "method": found.method.value if found.method else "",
        **(_of_touch(found.touch) if found.touch else _NO_TOUCH),
        "contract_id": None, "contract_version": None, "scope": "", "relation": "",
        "payable_from": None,
    }  # fmt: skip
    if isinstance(found, Unattributed):
        return fields | {"reason": found.reason.value}
    contract, received = found.contract, line.received_at
    return fields | {
        "contract_id": contract.contract_id,
        "contract_version": contract.version,
        "scope": scope_of(found, line.sale, zone),
        "relation": found.relation.value,
        "payable_from": received and received + timedelta(days=contract.terms.hold_days),
    }


def _of_touch(touch: Touch) -> dict[str, Any]:
    return {
        "touch_id": touch.touch_id,
        "touch_kind": touch.kind.value,
        "link_code": touch.link_code,
        "app_id": touch.app_id,
        "placement_id": touch.placement_id,
        "line_item_id": touch.line_item_id,
        **{f"sub{number}": sub for number, sub in enumerate(touch.subs, 1)},
    }


def _earned(case: Case, earning: Earning) -> dict[str, Any]:
    assert case.basis is not None
    before = case.before
    gross, net = earning.gross, earning.net
    estimated: tuple[int | None, int | None]
    estimated = (earning.estimated.commission, earning.estimated.partner)
    if before is not None and _same_sale(case):
        estimated = (before.estimated_commission_minor, before.estimated_partner_minor)
    is_actual = case.line.received_at is not None
    return {
        "reason": _reason(case, earning),
        "basis": basis_text(case.basis),
        "rule": earning.rule[:LONGEST_RULE],
        "rate_ppm": earning.rate.ppm,
        "flat_minor": earning.rate.flat_minor,
        "base_minor": earning.base_minor,
        "estimated_commission_minor": estimated[0],
        "estimated_partner_minor": estimated[1],
        "actual_commission_minor": gross.commission if is_actual else None,
        "actual_partner_minor": gross.partner if is_actual else None,
        "commission_minor": net.commission,
        "partner_minor": net.partner,
        "fee_minor": net.fee,
    }


def _reason(case: Case, earning: Earning) -> str:
    assert case.basis is not None
    return earning.reason.value if earning.reason else case.basis.subsidy_short


def _same_sale(case: Case) -> bool:
    """Whether the row's estimate is of this very sale under this very contract."""
    before, found, basis = case.before, case.found, basis_of_row(case.before)
    if before is None or basis is None or case.basis is None or isinstance(found, Unattributed):
        return False
    contract = (found.contract.contract_id, found.contract.version)
    same_contract = contract == (before.contract_id, before.contract_version)
    same_sale = (basis.version, before.paid_at) == (case.basis.version, case.line.sale.occurred_at)
    return same_contract and same_sale and before.estimated_commission_minor is not None


def _progress(before: OrderRow | None, partner_id: str | None) -> dict[str, Any]:
    """What became payable of it stays with whom it became payable to."""
    if before is None:
        return {"matured_minor": 0, "postings": 0}
    matured = before.matured_minor if before.partner_id == partner_id else 0
    return {"matured_minor": matured, "postings": before.postings}
