"""Affiliate links, and triggers that count the changes of all that a link leads to."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What workers see of each table; other columns may change without their hearing of it.
_SEEN = {
    "partners": ("standing",),
    "merchants": ("home_url", "active"),
    "products": ("url",),
    "links": ("url",),
}


def upgrade() -> None:
    """Makes the tables, a row for each table that is counted, and the triggers that count."""
    op.create_table(
        "links",
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("partner_id", sa.String(64), nullable=False),
        sa.Column("merchant_id", sa.String(64), nullable=False),
        _text("sku", 128),
        _text("url", 2048),
        _text("name", 100),
        *(_text(f"sub{number}", 128) for number in range(1, 6)),
        sa.Column("rate_ppm", sa.BigInteger),
        sa.Column("flat_minor", sa.BigInteger),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_links"),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.partner_id"], name="fk_links_partner_id"
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.merchant_id"], name="fk_links_merchant_id"
        ),
    )
    op.create_index("ix_links_partner_id", "links", ["partner_id"])
    revisions = op.create_table(
        "link_revisions",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_link_revisions"),
    )
    op.bulk_insert(revisions, [{"name": table, "revision": 0} for table in _SEEN])
    if op.get_bind().dialect.name == "sqlite":
        _count_sqlite()
    else:
        _count_postgresql()


def _count_sqlite() -> None:
    for table, columns in _SEEN.items():
        for event in ("INSERT", f"UPDATE OF {', '.join(columns)}", "DELETE"):
            name = f"{table}_count_{event.split()[0].lower()}"
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {table} "  # noqa: S608 - constants
                "BEGIN UPDATE link_revisions SET revision = revision + 1 "
                f"WHERE name = '{table}'; END"
            )


def _count_postgresql() -> None:
    """Before the statement: whoever waits for another writer then holds no row of the table yet."""
    op.execute(
        "CREATE FUNCTION count_link_revision() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE link_revisions SET revision = revision + 1 WHERE name = TG_TABLE_NAME; "
        "RETURN NULL; END $$"
    )
    for table, columns in _SEEN.items():
        op.execute(
            f"CREATE TRIGGER {table}_count BEFORE INSERT OR UPDATE OF {', '.join(columns)} "
            f"OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION count_link_revision()"
        )


def _text(name: str, most: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(most), nullable=False)
