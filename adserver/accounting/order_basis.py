"""What a row's rate was found by: its first payment, and the price lists of that day.

Kept with the row, so that a later feed or price list changes nothing about an old sale, and so that
lines of one cap can be judged together without looking up what was sold. Never here: which rate it
is (`affiliate.commission`). The one surprising fact: what is judged is always what was kept, the
first time too; nothing else can creep in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from adserver.stores.order_rows import OrderRow
from affiliate.attribution import Attributed, Method, Relation
from affiliate.commission import Goods
from affiliate.merchandise import HotRate, Merchant, Product
from affiliate.order import OrderFact, OrderLine, Status
from affiliate.partner import NOTHING, Contract, Coupon, Rate
from models.domain.ids import MerchantId, PartnerId, Sku


class Basis(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first payment's fact in short, the rates of its day, and why a fund paid less."""

    version: int
    sku: str
    category: str
    quantity: int
    paid_minor: int
    in_feed: bool = False  # whether the product was known
    product_category: str = ""
    product_rate: Rate | None = None
    hot_rate: Rate | None = None
    default_rate: Rate = NOTHING
    category_rate: Rate | None = None
    gift: bool = False
    link_code: str = ""
    link_rate: Rate | None = None
    coupon: str = ""
    coupon_rate: Rate | None = None
    subsidy_wanted: int = 0  # of the commission as last judged
    subsidy_short: str = ""

    @property
    def full_category(self) -> str:
        """The category that chooses the rate."""
        return self.category or self.product_category


@dataclass(frozen=True, slots=True)
class Shelf:
    """What price lists say about one sale, as of its instant."""

    merchant: Merchant
    product: Product | None
    hot: HotRate | None
    link_rate: Rate | None


_decoder = msgspec.json.Decoder(Basis)
_encode = msgspec.json.Encoder().encode


def basis_text(basis: Basis) -> str:
    """As it stands in the row."""
    return _encode(basis).decode()


def basis_of_row(row: OrderRow | None) -> Basis | None:
    """The basis of a row that has one."""
    return _decoder.decode(row.basis) if row is not None and row.basis else None


def still_holds(basis: Basis, row: OrderRow, sale: OrderFact, found: Attributed) -> bool:
    """Whether a row's basis is that of this sale, found in this way."""
    told = (basis.version, basis.sku, basis.category, row.paid_at, row.partner_id)
    link, coupon = found_by(found)
    by = (basis.link_code, basis.coupon) == (link, coupon)
    wanted = (sale.version, sale.sku, sale.category, sale.occurred_at, found.partner_id)
    return by and told == wanted


def found_by(found: Attributed) -> tuple[str, str]:
    """The link's code and the coupon's by which a sale came about."""
    link = found.touch.link_code if found.touch else ""
    return link, found.coupon.code if found.coupon else ""


def make_basis(sale: OrderFact, shelf: Shelf, found: Attributed) -> Basis:
    """What is kept of the price lists for a sale."""
    product, merchant = shelf.product, shelf.merchant
    category = sale.category or (product.category if product else "")
    link, coupon = found_by(found)
    return Basis(
        version=sale.version,
        sku=sale.sku,
        category=sale.category,
        quantity=sale.quantity,
        paid_minor=sale.paid_minor,
        in_feed=product is not None,
        product_category=product.category if product else "",
        product_rate=product.rate if product else None,
        hot_rate=shelf.hot.rate if shelf.hot else None,
        default_rate=merchant.default_rate,
        category_rate=dict(merchant.category_rates).get(category),
        gift=category in merchant.gift_categories,
        link_code=link,
        link_rate=shelf.link_rate,
        coupon=coupon,
        coupon_rate=found.coupon.rate if found.coupon else None,
    )


def goods_of(basis: Basis, merchant_id: str, paid_at: datetime) -> Goods:
    """What was sold, as the rules of commission take it."""
    owner, sku, category = MerchantId(merchant_id), Sku(basis.sku), basis.full_category
    merchant = Merchant(
        merchant_id=owner,
        name="",
        home_url="",
        default_rate=basis.default_rate,
        category_rates=((category, basis.category_rate),) if basis.category_rate else (),
        gift_categories=frozenset({category}) if basis.gift else frozenset(),
    )
    product = Product(owner, sku, "", "", 0, basis.product_category, rate=basis.product_rate)
    hot = None
    if basis.hot_rate:
        hot = HotRate(owner, sku, basis.hot_rate, paid_at, paid_at + timedelta(seconds=1))
    return Goods(merchant, product if basis.in_feed else None, hot, basis.link_rate)


def line_of_row(row: OrderRow, basis: Basis) -> OrderLine:
    """The line of an attributed row, as far as the rules of commission look at it."""
    if row.paid_at is None:
        raise ValueError(f"row {row.row_id} has a basis and was never paid for")
    latest = OrderFact(
        merchant_id=MerchantId(row.merchant_id),
        order_id=row.order_id,
        line_id=row.line_id,
        version=row.version,
        status=Status(row.status),
        sku=Sku(row.sku),
        category=row.category,
        quantity=row.quantity,
        paid_minor=row.paid_minor,
        currency=row.currency,
        occurred_at=row.paid_at,
        refunded_minor=row.refunded_minor,
    )
    sale = OrderFact(
        merchant_id=latest.merchant_id,
        order_id=row.order_id,
        line_id=row.line_id,
        version=basis.version,
        status=Status.PAID,
        sku=Sku(basis.sku),
        category=basis.category,
        quantity=basis.quantity,
        paid_minor=basis.paid_minor,
        currency=row.currency,
        occurred_at=row.paid_at,
    )
    return OrderLine(latest, sale, row.received_at, "", basis.coupon, row.customer_ref)


def found_of_row(row: OrderRow, basis: Basis, contract: Contract) -> Attributed:
    """How the partner of an attributed row was found, without the click itself."""
    partner = PartnerId(row.partner_id or "")
    coupon = None
    if basis.coupon:
        merchant = MerchantId(row.merchant_id)
        rate = basis.coupon_rate
        coupon = Coupon(basis.coupon, merchant, partner, contract.starts_at, rate=rate)
    method, relation = Method(row.method), Relation(row.relation)
    return Attributed(partner, contract, method, relation, None, coupon)
