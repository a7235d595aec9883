"""The tables of accounts: organisations, users, sessions, keys, the audit log.

Never here: queries (`adserver.accounts`, `audit`). The one surprising fact: no secret is in them.
Passwords are argon2 hashes; tokens and keys are 256 bits of chance, so SHA-256 of them is enough.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)
from sqlalchemy.dialects.postgresql import JSONB

from adserver.stores.tables import METADATA, Instant


def _document() -> Any:
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _organisation() -> Column[str]:
    return Column(
        "organisation_id", String(64), ForeignKey("organisations.organisation_id"), nullable=False
    )


ORGANISATIONS = Table(
    "organisations",
    METADATA,
    Column("organisation_id", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("owner", String(64), nullable=False),  # "" for the house, of which there is one
    Column("name", String(200), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("language", String(8), nullable=False),
    Column("made_at", Instant, nullable=False),
    Index("uq_organisations_owner", "role", "owner", unique=True),
)

USERS = Table(
    "users",
    METADATA,
    Column("user_id", String(64), primary_key=True),
    _organisation(),
    Column("email", String(254), nullable=False),
    Column("email_key", String(254), nullable=False),  # the address whatever its case
    Column("password_hash", String(200), nullable=False),
    Column("language", String(8), nullable=False),  # "": the organisation's
    Column("theme", String(8), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("signed_in_at", Instant),
    Index("uq_users_email_key", "email_key", unique=True),
    Index("ix_users_organisation_id", "organisation_id"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("session_id", String(32), nullable=False),
    Column("user_id", String(64), ForeignKey("users.user_id"), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_seen_at", "seen_at"),
)

INVITATIONS = Table(
    "invitations",
    METADATA,
    Column("invitation_id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False),
    _organisation(),
    Column("email", String(254), nullable=False),
    Column("user_id", String(64), ForeignKey("users.user_id")),  # given: a new password for it
    Column("made_by", String(254), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("withdrawn_at", Instant),
    Index("uq_invitations_token_hash", "token_hash", unique=True),
    Index("ix_invitations_organisation_id", "organisation_id"),
)

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("key_id", String(32), primary_key=True),
    _organisation(),
    Column("name", String(200), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("made_by", String(254), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
    Index("ix_api_keys_organisation_id", "organisation_id"),
)

SIGN_IN_ATTEMPTS = Table(
    "sign_in_attempts",
    METADATA,
    Column("subject", String(80), primary_key=True),  # which limit, and a hash of whose
    Column("began_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
)

REMEMBERED_ANSWERS = Table(
    "remembered_answers",
    METADATA,
    Column("call_hash", String(64), primary_key=True),  # who, method, path, Idempotency-Key
    Column("body_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Index("ix_remembered_answers_asked_at", "asked_at"),
)

AUDIT_LOG = Table(
    "audit_log",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(254), nullable=False),
    Column("organisation_id", String(64), nullable=False),  # the actor's; "" for commands
    Column("action", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("entity_id", String(255), nullable=False),
    Column("before", _document()),
    Column("after", _document()),
    Index("ix_audit_log_organisation_id", "organisation_id", "seq"),
    Index("ix_audit_log_entity", "kind", "entity_id", "seq"),
    Index("ix_audit_log_actor", "actor", "seq"),
)
