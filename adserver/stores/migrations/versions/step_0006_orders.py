"""Orders: facts, the rows that they make, whose customers' clicks are known, rows that left."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    _make_facts()
    _make_rows()
    op.create_table(
        "customer_touches",
        *_keys(("merchant_id", 64), ("customer_ref", 128), ("touch_id", 64)),
        _instant("clicked_at"),
        _text("touch", 16384),
        sa.PrimaryKeyConstraint(
            "merchant_id", "customer_ref", "touch_id", name="pk_customer_touches"
        ),
    )
    op.create_table(
        "order_departures",
        *_keys(("row_id", 40), ("partner_id", 64)),
        _instant("modified_at"),
        _whole("modified_seq"),
        sa.PrimaryKeyConstraint("row_id", "partner_id", name="pk_order_departures"),
    )
    op.create_index(
        "ix_order_departures_partner", "order_departures", ["partner_id", "modified_seq"]
    )


def _make_facts() -> None:
    op.create_table(
        "order_facts",
        *_keys(("merchant_id", 64), ("order_id", 128), ("line_id", 64)),
        sa.Column("version", sa.BigInteger, nullable=False, autoincrement=False),
        _text("status", 16),
        *_keys(("sku", 128), ("category", 128)),
        *map(_whole, ("quantity", "paid_minor", "refunded_minor")),
        _text("currency", 3),
        _instant("occurred_at"),
        *_keys(("click_id", 4096), ("coupon", 64), ("customer_ref", 128), ("body_hash", 64)),
        _instant("received_at"),
        sa.PrimaryKeyConstraint(
            "merchant_id", "order_id", "line_id", "version", name="pk_order_facts"
        ),
    )


def _make_rows() -> None:
    op.create_table(
        "order_rows",
        *_keys(("row_id", 40), ("merchant_id", 64), ("order_id", 128), ("line_id", 64)),
        _whole("version"),
        *_keys(("status", 16), ("sku", 128), ("category", 128)),
        _whole("quantity"),
        _text("currency", 3),
        *map(_whole, ("paid_minor", "refunded_minor")),
        sa.Column("paid_at", sa.DateTime(timezone=True)),
        sa.Column("received_at", sa.DateTime(timezone=True)),
        _text("customer_ref", 128),
        *_attribution(),
        *_earning(),
        sa.Column("payable_from", sa.DateTime(timezone=True)),
        _whole("matured_minor"),
        sa.Column("postings", sa.Integer, nullable=False),
        _instant("modified_at"),
        _whole("modified_seq"),
        sa.PrimaryKeyConstraint("row_id", name="pk_order_rows"),
        sa.UniqueConstraint("merchant_id", "order_id", "line_id", name="uq_order_rows_line"),
    )
    for name, columns in {
        "scope": ["scope"],
        "partner_modified": ["partner_id", "modified_seq"],
        "partner_payable": ["partner_id", "payable_from"],
        "partner_paid": ["partner_id", "paid_at"],
        "customer": ["merchant_id", "customer_ref"],
        "modified_seq": ["modified_seq"],
    }.items():
        op.create_index(f"ix_order_rows_{name}", "order_rows", columns)


def _attribution() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("partner_id", sa.String(64)),
        sa.Column("contract_id", sa.String(64)),
        sa.Column("contract_version", sa.Integer),
        *_keys(("scope", 160), ("method", 16), ("relation", 16), ("reason", 32)),
        *_keys(("touch_id", 64), ("touch_kind", 8), ("link_code", 1024)),
        *_keys(("app_id", 64), ("placement_id", 64), ("line_item_id", 64)),
        *_keys(*((f"sub{number}", 128) for number in range(1, 6))),
    )


def _earning() -> tuple[sa.Column[object], ...]:
    return (
        *_keys(("basis", 4096), ("rule", 200)),
        sa.Column("rate_ppm", sa.BigInteger),
        sa.Column("flat_minor", sa.BigInteger),
        _whole("base_minor"),
        sa.Column("estimated_commission_minor", sa.BigInteger),
        sa.Column("estimated_partner_minor", sa.BigInteger),
        sa.Column("actual_commission_minor", sa.BigInteger),
        sa.Column("actual_partner_minor", sa.BigInteger),
        *map(_whole, ("commission_minor", "partner_minor", "fee_minor")),
        _text("pool_id", 64),
        *map(_whole, ("subsidy_granted_minor", "subsidy_minor")),
    )


def _keys(*names: tuple[str, int]) -> tuple[sa.Column[object], ...]:
    return tuple(_text(name, most) for name, most in names)


def _text(name: str, most: int) -> sa.Column[object]:
    return sa.Column(name, sa.String(most), nullable=False)


def _whole(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)
