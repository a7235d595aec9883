"""Products and hot rates; and the product that a line item promotes."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, and the column of line items."""
    op.create_table(
        "products",
        sa.Column("merchant_id", sa.String(64), nullable=False),
        sa.Column("sku", sa.String(128), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("price_minor", sa.BigInteger, nullable=False),
        sa.Column("category", sa.String(128), nullable=False),
        sa.Column("image_url", sa.String(2048), nullable=False),
        sa.Column("in_stock", sa.Boolean, nullable=False),
        sa.Column("rate_ppm", sa.BigInteger),
        sa.Column("flat_minor", sa.BigInteger),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "sku", name="pk_products"),
    )
    op.create_index("ix_products_merchant_seen", "products", ["merchant_id", "seen_at"])
    op.create_table(
        "hot_rates",
        sa.Column("merchant_id", sa.String(64), nullable=False),
        sa.Column("sku", sa.String(128), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rate_ppm", sa.BigInteger),
        sa.Column("flat_minor", sa.BigInteger),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "sku", "starts_at", name="pk_hot_rates"),
    )
    op.add_column(
        "line_items", sa.Column("product", sa.String(200), nullable=False, server_default="")
    )
