"""REST calls about accounts: who am I, the organisation, its people, its keys, the audit log.

Never here: what they take and answer (`account.wire`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from adserver.accounts import invitations, keys, organisations, users
from adserver.accounts.organisations import Organisation
from adserver.accounts.users import User
from adserver.api.problems import NotFoundError
from adserver.console.account import wire
from adserver.console.account.log import sought_by
from adserver.console.account.people import link_of
from adserver.console.account.words import NOTHING_THERE
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Listed
from adserver.stores import audit, database


def me(_: Desk, call: Call) -> wire.Me:
    """`GET /api/v1/me`."""
    return wire.Me.of(call.identity)


def organisation(desk: Desk, call: Call) -> wire.OrganisationView:
    """`GET /api/v1/organisation`."""
    with database.reading(desk.engine) as connection:
        return wire.OrganisationView.of(_own(connection, call))


def edit_organisation(desk: Desk, call: Call) -> wire.OrganisationView:
    """`PATCH /api/v1/organisation`."""
    given = {k: v for k, v in msgspec.structs.asdict(call.data).items() if v is not msgspec.UNSET}
    with database.writing(desk.engine) as connection:
        after = organisations.edit(
            connection, _own(connection, call), given, call.identity, call.now
        )
    return wire.OrganisationView.of(after)


def list_users(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/users`: the own organisation's; operators name another."""
    who = call.identity
    asked = call.query.get("organisation_id", who.organisation_id)
    if asked != who.organisation_id and not who.is_operator:
        raise NotFoundError(NOTHING_THERE)
    with database.reading(desk.engine) as connection:
        found = users.of_organisation(connection, asked)
    return _listed(call, found, "user_id", wire.UserView.of)


def disable_user(desk: Desk, call: Call) -> wire.UserView:
    """`POST /api/v1/users/{user_id}/disable`."""
    return _set_disabled(desk, call, disabled=True)


def enable_user(desk: Desk, call: Call) -> wire.UserView:
    """`POST /api/v1/users/{user_id}/enable`."""
    return _set_disabled(desk, call, disabled=False)


def reset_user(desk: Desk, call: Call) -> wire.LinkMade:
    """`POST /api/v1/users/{user_id}/reset`: a link with which another password is chosen."""
    with database.writing(desk.engine) as connection:
        user = _user(connection, call)
        made, token = invitations.reset(connection, user, call.identity, call.now)
    return wire.LinkMade(made.invitation_id, made.email, link_of(desk, token), made.ends_at)


def list_invitations(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/invitations`: the open ones; there are never more than a few."""
    with database.reading(desk.engine) as connection:
        found = invitations.open_of(connection, call.identity.organisation_id, call.now)
    return _listed(call, found, "invitation_id", wire.InvitationView.of)


def invite(desk: Desk, call: Call) -> wire.LinkMade:
    """`POST /api/v1/invitations`: somebody into the own organisation."""
    with database.writing(desk.engine) as connection:
        return _invite(desk, connection, call, _own(connection, call))


def invite_owner(desk: Desk, call: Call) -> wire.LinkMade:
    """`POST /api/v1/house/invitations`: somebody into any owner's organisation."""
    data: wire.InviteOwner = call.data
    with database.writing(desk.engine) as connection:
        house = organisations.ensure(connection, data.role, data.owner, call.identity, call.now)
        return _invite(desk, connection, call, house)


def withdraw(desk: Desk, call: Call) -> None:
    """`DELETE /api/v1/invitations/{invitation_id}`."""
    who, wanted = call.identity, call.params["invitation_id"]
    with database.writing(desk.engine) as connection:
        done = invitations.withdraw(connection, who.organisation_id, wanted, who, call.now)
    if done is None:
        raise NotFoundError(NOTHING_THERE)


def list_organisations(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/organisations`."""
    with database.reading(desk.engine) as connection:
        found = organisations.everyone(connection)
    return _listed(call, found, "organisation_id", wire.OrganisationView.of)


def list_keys(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/keys`: revoked ones too."""
    with database.reading(desk.engine) as connection:
        found = keys.list_of(connection, call.identity.organisation_id)
    return _listed(call, found, "key_id", wire.KeyView.of)


def make_key(desk: Desk, call: Call) -> wire.KeyMade:
    """`POST /api/v1/keys`."""
    who = call.identity
    record, text = keys.make(desk.engine, who.organisation_id, call.data.name, who, call.now)
    return wire.KeyMade(record.key_id, record.name, text)


def revoke_key(desk: Desk, call: Call) -> wire.KeyView:
    """`DELETE /api/v1/keys/{key_id}`: a key may revoke itself."""
    who, key_id = call.identity, call.params["key_id"]
    record = keys.revoke(desk.engine, who.organisation_id, key_id, who, call.now)
    if record is None:
        raise NotFoundError(NOTHING_THERE)
    return wire.KeyView.of(record)


def list_audit(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/audit`: the newest lines first."""
    asked = {
        "actor": call.query.get("actor", ""),
        "kind": call.query.get("kind", ""),
        "entity_id": call.query.get("id", ""),
    }
    sought = sought_by(call.identity, asked, call.cursor)
    with database.reading(desk.engine) as connection:
        found = audit.lines(connection, sought, call.limit + 1)
    shown = found[: call.limit]
    more = str(shown[-1].seq) if len(found) > call.limit else ""
    return Listed([wire.AuditLine.of(line) for line in shown], more)


def _listed(
    call: Call, found: Sequence[Any], id_name: str, view: Callable[[Any], object]
) -> Listed:
    """A page of what is few enough to be read whole, by id."""
    later = sorted(
        (one for one in found if getattr(one, id_name) > call.cursor),
        key=lambda one: str(getattr(one, id_name)),
    )
    shown = later[: call.limit]
    more = str(getattr(shown[-1], id_name)) if len(later) > call.limit else ""
    return Listed([view(one) for one in shown], more)


def _own(connection: Connection, call: Call) -> Organisation:
    found = organisations.find(connection, call.identity.organisation_id)
    if found is None:
        raise NotFoundError(NOTHING_THERE)
    return found


def _user(connection: Connection, call: Call) -> User:
    """The user in the path, of the own organisation; of any for operators."""
    found = users.find(connection, call.params["user_id"])
    who = call.identity
    if found is None or not (who.is_operator or found.organisation_id == who.organisation_id):
        raise NotFoundError(NOTHING_THERE)
    return found


def _invite(desk: Desk, connection: Connection, call: Call, house: Organisation) -> wire.LinkMade:
    made, token = invitations.invite(
        connection, house.organisation_id, call.data.email, call.identity, call.now
    )
    return wire.LinkMade(made.invitation_id, made.email, link_of(desk, token), made.ends_at)


def _set_disabled(desk: Desk, call: Call, *, disabled: bool) -> wire.UserView:
    with database.writing(desk.engine) as connection:
        user = _user(connection, call)
        users.set_disabled(connection, user, disabled, call.identity, call.now)
        after = _user(connection, call)
    return wire.UserView.of(after)
