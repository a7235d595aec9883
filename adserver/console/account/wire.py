"""What the REST calls about accounts take and answer.

Never here: passwords. Nobody sets one by REST: a link is made, and its owner chooses.
"""

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from adserver.accounts.identity import Identity, Role
from adserver.accounts.invitations import Invitation
from adserver.accounts.keys import KeyRecord
from adserver.accounts.organisations import Organisation
from adserver.accounts.users import User
from adserver.stores.audit import Line

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Email = Annotated[str, Meta(min_length=3, max_length=254)]
Id = Annotated[str, Meta(max_length=64)]


class Me(Struct):
    """Whom the key acts for. `owner` is the id in that owner's paths; "" for operators."""

    role: str
    owner: str
    actor: str
    organisation_id: str
    organisation_name: str
    time_zone: str
    language: str

    @classmethod
    def of(cls, who: Identity) -> "Me":
        """As it is."""
        return cls(
            who.role.value, who.owner, who.actor, who.organisation_id, who.organisation_name,
            who.time_zone, who.language,
        )  # fmt: skip


class OrganisationView(Struct):
    """An organisation."""

    organisation_id: str
    role: str
    owner: str
    name: str
    time_zone: str
    language: str
    made_at: datetime

    @classmethod
    def of(cls, one: Organisation) -> "OrganisationView":
        """As it is."""
        return cls(
            one.organisation_id, one.role.value, one.owner, one.name, one.time_zone, one.language,
            one.made_at,
        )  # fmt: skip


class OrganisationChange(Struct):
    """What is left out stays as it is. `language` is "en" or "zh"."""

    name: Name | UnsetType = UNSET
    time_zone: Id | UnsetType = UNSET
    language: Id | UnsetType = UNSET


class UserView(Struct):
    """Somebody who can sign in, unless disabled."""

    user_id: str
    organisation_id: str
    email: str
    disabled: bool
    made_at: datetime
    signed_in_at: datetime | None

    @classmethod
    def of(cls, one: User) -> "UserView":
        """As it is."""
        return cls(
            one.user_id, one.organisation_id, one.email, one.disabled, one.made_at,
            one.signed_in_at,
        )  # fmt: skip


class InvitationView(Struct):
    """An open invitation. `is_reset`: of somebody who is there and chooses another password."""

    invitation_id: str
    email: str
    is_reset: bool
    made_by: str
    made_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, one: Invitation) -> "InvitationView":
        """As it is."""
        is_reset = one.user_id is not None
        return cls(one.invitation_id, one.email, is_reset, one.made_by, one.made_at, one.ends_at)


class LinkMade(Struct):
    """A link with which `email` chooses a password, once; it is shown this once."""

    invitation_id: str
    email: str
    link: str
    ends_at: datetime


class Invite(Struct):
    """Whom to let in."""

    email: Email


class InviteOwner(Struct):
    """Whom to let into whose pages. `owner` is the advertiser's, partner's or merchant's id."""

    email: Email
    role: Role
    owner: Id = ""


class KeyView(Struct):
    """An API key without its secret. `used_at` is the last use, to the minute."""

    key_id: str
    name: str
    made_by: str
    made_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, one: KeyRecord) -> "KeyView":
        """As it is."""
        return cls(one.key_id, one.name, one.made_by, one.made_at, one.used_at, one.revoked_at)


class KeyMade(Struct):
    """A new key with its text, which is shown this once: send it as Authorization: Bearer."""

    key_id: str
    name: str
    key: str


class MakeKey(Struct):
    """What the key is for."""

    name: Name


class AuditLine(Struct):
    """A change. `before` is null for what is new, `after` for what is gone."""

    seq: int
    at: datetime
    actor: str
    action: str
    kind: str
    id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @classmethod
    def of(cls, one: Line) -> "AuditLine":
        """As it is."""
        return cls(
            one.seq, one.at, one.actor, one.action, one.kind, one.entity_id, one.before, one.after
        )
