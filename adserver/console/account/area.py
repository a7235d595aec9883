"""The account area's pages, REST calls and menu entries.

Never here: what they do.
"""

from adserver.accounts.identity import Role
from adserver.console.account import calls, entry, key_pages, log, own, people, wire
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Area, Endpoint, MenuEntry, Page

_ONE = "/house/organisations/{organisation_id}"
_ID_QUERY = {"type": "string", "maxLength": 64}
_TEXT_QUERY = {"type": "string", "maxLength": 255}

_ENTRY = (
    Page("GET", "/", entry.home),
    Page("GET", "/sign-in", entry.show_sign_in, public=True),
    Page("POST", "/sign-in", entry.take_sign_in, public=True),
    Page("POST", "/sign-out", entry.take_sign_out, public=True),
    Page("GET", "/invitations/{token}", entry.show_invitation, public=True),
    Page("POST", "/invitations/{token}", entry.take_invitation, public=True),
)
_OWN = (
    Page("GET", own.PATH, own.show),
    Page("POST", own.PATH, own.take_taste),
    Page("POST", f"{own.PATH}/password", own.take_password),
    Page("POST", f"{own.PATH}/sessions/end", own.end_sessions),
    Page("GET", key_pages.PATH, key_pages.show),
    Page("POST", key_pages.PATH, key_pages.take),
    Page("POST", f"{key_pages.PATH}/{{key_id}}/revoke", key_pages.revoke),
    Page("GET", log.PATH, log.show),
)
_ORGANISATION = (
    Page("GET", people.OWN, people.show),
    Page("POST", people.OWN, people.take),
    Page("POST", f"{people.OWN}/invitations", people.invite),
    Page("POST", f"{people.OWN}/invitations/{{invitation_id}}/withdraw", people.withdraw),
    Page("POST", f"{people.OWN}/users/{{user_id}}/disable", people.disable),
    Page("POST", f"{people.OWN}/users/{{user_id}}/enable", people.enable),
)
_HOUSE = (
    Page("GET", people.HOUSE, people.show_all, OPERATORS),
    Page("POST", people.HOUSE, people.invite_owner, OPERATORS),
    Page("GET", _ONE, people.show, OPERATORS),
    Page("POST", _ONE, people.take, OPERATORS),
    Page("POST", f"{_ONE}/invitations", people.invite, OPERATORS),
    Page("POST", f"{_ONE}/invitations/{{invitation_id}}/withdraw", people.withdraw, OPERATORS),
    Page("POST", f"{_ONE}/users/{{user_id}}/disable", people.disable, OPERATORS),
    Page("POST", f"{_ONE}/users/{{user_id}}/enable", people.enable, OPERATORS),
    Page("POST", f"{_ONE}/users/{{user_id}}/reset", people.reset, OPERATORS),
)
_CALLS = (
    Endpoint("GET", "/api/v1/me", "Whom the key acts for", calls.me, answer=wire.Me),
    Endpoint(
        "GET", "/api/v1/organisation", "The own organisation", calls.organisation,
        answer=wire.OrganisationView,
    ),
    Endpoint(
        "PATCH", "/api/v1/organisation", "Change name, time zone or language",
        calls.edit_organisation, body=wire.OrganisationChange, answer=wire.OrganisationView,
    ),
    Endpoint(
        "GET", "/api/v1/users", "The people of an organisation", calls.list_users,
        answer=wire.UserView, listed=True,
        query={"organisation_id": (_ID_QUERY, "For operators: whose; else the own.")},
    ),
    Endpoint(
        "POST", "/api/v1/users/{user_id}/disable", "Shut somebody out at once",
        calls.disable_user, answer=wire.UserView,
    ),
    Endpoint(
        "POST", "/api/v1/users/{user_id}/enable", "Let somebody in again", calls.enable_user,
        answer=wire.UserView,
    ),
    Endpoint(
        "POST", "/api/v1/users/{user_id}/reset", "A link to choose another password",
        calls.reset_user, roles=OPERATORS, answer=wire.LinkMade,
    ),
    Endpoint(
        "GET", "/api/v1/invitations", "The open invitations", calls.list_invitations,
        answer=wire.InvitationView, listed=True,
    ),
    Endpoint(
        "POST", "/api/v1/invitations", "Invite somebody into the own organisation",
        calls.invite, body=wire.Invite, answer=wire.LinkMade, status=201,
    ),
    Endpoint(
        "DELETE", "/api/v1/invitations/{invitation_id}", "Withdraw an invitation",
        calls.withdraw, status=204,
    ),
    Endpoint(
        "GET", "/api/v1/house/organisations", "Every organisation", calls.list_organisations,
        roles=OPERATORS, answer=wire.OrganisationView, listed=True,
    ),
    Endpoint(
        "POST", "/api/v1/house/invitations", "Invite somebody into an owner's organisation",
        calls.invite_owner, roles=OPERATORS, body=wire.InviteOwner, answer=wire.LinkMade,
        status=201,
    ),
    Endpoint(
        "GET", "/api/v1/keys", "The organisation's API keys", calls.list_keys,
        answer=wire.KeyView, listed=True,
    ),
    Endpoint(
        "POST", "/api/v1/keys", "Make an API key; its text is answered this once",
        calls.make_key, body=wire.MakeKey, answer=wire.KeyMade, status=201,
    ),
    Endpoint(
        "DELETE", "/api/v1/keys/{key_id}", "Revoke an API key for good", calls.revoke_key,
        answer=wire.KeyView,
    ),
    Endpoint(
        "GET", "/api/v1/audit", "Every change, the newest first", calls.list_audit,
        answer=wire.AuditLine, listed=True,
        query={
            "actor": (_TEXT_QUERY, "Only changes by this e-mail address or key."),
            "kind": (_TEXT_QUERY, "Only changes of such things, e.g. line_item."),
            "id": (_TEXT_QUERY, "Only changes of the thing with this id."),
        },
    ),
)  # fmt: skip

AREA = Area(
    "account",
    pages=_ENTRY + _OWN + _ORGANISATION + _HOUSE,
    endpoints=_CALLS,
    menu=(
        MenuEntry(Role.OPERATOR, people.HOUSE, N_("Organisations"), 850),
        *(
            MenuEntry(role, path, title, place)
            for role in Role
            for path, title, place in (
                (people.OWN, N_("People"), 900),
                (key_pages.PATH, N_("API keys"), 910),
                (log.PATH, N_("Audit log"), 930),
            )
        ),
    ),
)
