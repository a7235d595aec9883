"""Organisations, users, sessions, invitations, keys, the audit log, answers to repeated writes.

Spelled out here and not taken from `account_tables`: a step stays what it was when released.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_REFUSAL = "audit_log is only added to: a line of it is neither changed nor removed"
_REFUSE = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"


def upgrade() -> None:
    """Makes the tables, and the triggers that guard the audit log."""
    _make_organisations()
    _make_users()
    _make_sessions()
    _make_invitations()
    _make_keys()
    _make_attempts()
    _make_answers()
    _make_log()
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _make_organisations() -> None:
    op.create_table(
        "organisations",
        _text("organisation_id", 64),
        _text("role", 16),
        _text("owner", 64),
        _text("name", 200),
        _text("time_zone", 64),
        _text("language", 8),
        _instant("made_at"),
        sa.PrimaryKeyConstraint("organisation_id", name="pk_organisations"),
    )
    op.create_index("uq_organisations_owner", "organisations", ["role", "owner"], unique=True)


def _make_users() -> None:
    op.create_table(
        "users",
        _text("user_id", 64),
        _text("organisation_id", 64),
        _text("email", 254),
        _text("email_key", 254),
        _text("password_hash", 200),
        _text("language", 8),
        _text("theme", 8),
        sa.Column("disabled", sa.Boolean, nullable=False),
        _instant("made_at"),
        _instant("signed_in_at", nullable=True),
        _refers("users", "organisation_id", "organisations"),
        sa.PrimaryKeyConstraint("user_id", name="pk_users"),
    )
    op.create_index("uq_users_email_key", "users", ["email_key"], unique=True)
    op.create_index("ix_users_organisation_id", "users", ["organisation_id"])


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        _text("token_hash", 64),
        _text("session_id", 32),
        _text("user_id", 64),
        _instant("began_at"),
        _instant("seen_at"),
        _refers("sessions", "user_id", "users"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_seen_at", "sessions", ["seen_at"])


def _make_invitations() -> None:
    op.create_table(
        "invitations",
        _text("invitation_id", 32),
        _text("token_hash", 64),
        _text("organisation_id", 64),
        _text("email", 254),
        sa.Column("user_id", sa.String(64)),
        _text("made_by", 254),
        _instant("made_at"),
        _instant("ends_at"),
        _instant("used_at", nullable=True),
        _instant("withdrawn_at", nullable=True),
        _refers("invitations", "organisation_id", "organisations"),
        _refers("invitations", "user_id", "users"),
        sa.PrimaryKeyConstraint("invitation_id", name="pk_invitations"),
    )
    op.create_index("uq_invitations_token_hash", "invitations", ["token_hash"], unique=True)
    op.create_index("ix_invitations_organisation_id", "invitations", ["organisation_id"])


def _make_keys() -> None:
    op.create_table(
        "api_keys",
        _text("key_id", 32),
        _text("organisation_id", 64),
        _text("name", 200),
        _text("secret_hash", 64),
        _text("made_by", 254),
        _instant("made_at"),
        _instant("used_at", nullable=True),
        _instant("revoked_at", nullable=True),
        _refers("api_keys", "organisation_id", "organisations"),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_organisation_id", "api_keys", ["organisation_id"])


def _make_attempts() -> None:
    op.create_table(
        "sign_in_attempts",
        _text("subject", 80),
        _instant("began_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_attempts"),
    )


def _make_answers() -> None:
    op.create_table(
        "remembered_answers",
        _text("call_hash", 64),
        _text("body_hash", 64),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _instant("asked_at"),
        sa.PrimaryKeyConstraint("call_hash", name="pk_remembered_answers"),
    )
    op.create_index("ix_remembered_answers_asked_at", "remembered_answers", ["asked_at"])


def _make_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        _instant("at"),
        _text("actor", 254),
        _text("organisation_id", 64),
        _text("action", 64),
        _text("kind", 64),
        _text("entity_id", 255),
        _document("before"),
        _document("after"),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_organisation_id", "audit_log", ["organisation_id", "seq"])
    op.create_index("ix_audit_log_entity", "audit_log", ["kind", "entity_id", "seq"])
    op.create_index("ix_audit_log_actor", "audit_log", ["actor", "seq"])


def _guard_sqlite() -> None:
    """INSERT OR REPLACE removes a row without a word to a trigger on DELETE, hence the third."""
    on_log = {
        "update": "BEFORE UPDATE ON audit_log",
        "delete": "BEFORE DELETE ON audit_log",
        "replace": "BEFORE INSERT ON audit_log "
        "WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq)",
    }
    for event, when in on_log.items():
        op.execute(f"CREATE TRIGGER audit_log_refuses_{event} {when} {_REFUSE}")


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_to_change_audit() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_log_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_audit()"
    )


def _text(name: str, most: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(most), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _document(name: str) -> sa.Column[Any]:
    kind = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    return sa.Column(name, kind)


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}"
    return sa.ForeignKeyConstraint([column], [f"{other}.{column}"], name=name)
