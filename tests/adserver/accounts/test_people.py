"""Organisations, users and invitations: who is let in, once, and who cannot be shut out."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from adserver.accounts import invitations, organisations, sessions, users
from adserver.accounts.identity import COMMAND, Role
from adserver.accounts.organisations import Organisation
from adserver.accounts.sign_in import sign_in
from adserver.marketplace.problem import CatalogError
from adserver.stores import database
from adserver.stores.catalog import SqlCatalog
from tests import builders
from tests.adserver.accounts.houses import ANN, DAY, HOUR, NOW, PASSWORD, House


def own(house: House) -> Organisation:
    with database.reading(house.engine) as connection:
        found = organisations.find(connection, house.who.organisation_id)
    assert found is not None
    return found


def invited(house: House, email: str = "new@house.example") -> str:
    with database.writing(house.engine) as connection:
        organisation_id = house.who.organisation_id
        return invitations.invite(connection, organisation_id, email, house.who, NOW)[1]


def test_an_owner_has_one_organisation_named_after_it(house: House) -> None:
    SqlCatalog(house.engine).add(builders.advertiser(), NOW)
    with database.writing(house.engine) as connection:
        made = organisations.ensure(connection, Role.ADVERTISER, "adv1", COMMAND, NOW)
        again = organisations.ensure(connection, Role.ADVERTISER, "adv1", COMMAND, NOW)
        assert made == again
        assert made.name == "Advertiser One"
        assert organisations.everyone(connection) == [made, own(house)]


@pytest.mark.parametrize(
    ("role", "owner"),
    [(Role.ADVERTISER, "gone"), (Role.PARTNER, ""), (Role.MERCHANT, "x"), (Role.OPERATOR, "x")],
)
def test_there_is_no_organisation_of_nobody(house: House, role: Role, owner: str) -> None:
    with (
        pytest.raises(CatalogError, match="owner: there is nobody of this id"),
        database.writing(house.engine) as connection,
    ):
        organisations.ensure(connection, role, owner, COMMAND, NOW)


def test_a_name_a_zone_and_a_language_are_changed_and_the_change_is_told(house: House) -> None:
    changes = {"name": "Tea House 茶", "time_zone": "Europe/Berlin", "language": "zh"}
    with database.writing(house.engine) as connection:
        organisations.edit(connection, own(house), changes, house.who, NOW)
    after = own(house)
    assert (after.name, after.time_zone, after.language) == tuple(changes.values())
    line = house.log()[0]
    assert (line.action, line.kind) == ("edit", "organisation")
    assert line.before is not None
    assert line.before["name"] == "The house"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"name": "x" * 201},
        {"name": "a\nb"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": ""},
        {"language": "tlh"},
    ],
)
def test_a_value_that_cannot_be_is_refused_at_its_field(
    house: House, changes: dict[str, str]
) -> None:
    before = own(house)
    with (
        pytest.raises(CatalogError) as refused,
        database.writing(house.engine) as connection,
    ):
        organisations.edit(connection, before, changes, house.who, NOW)
    assert [problem.field for problem in refused.value.problems] == list(changes)
    assert own(house) == before


@pytest.mark.parametrize(
    "email",
    ["", "x", "@", "a@", "@b", "a b@c.example", "a@b\n.example", "x" * 250 + "@x.example", "a\0@b"],
)
def test_what_is_no_address_is_refused(house: House, email: str) -> None:
    with pytest.raises(CatalogError, match="no e-mail address"):
        invited(house, email)


def test_an_address_is_one_persons_only_whatever_its_case(house: House) -> None:
    with pytest.raises(CatalogError, match="has an account already"):
        invited(house, ANN.upper())
    with pytest.raises(CatalogError, match="has an account already"):
        house.add(ANN.title())


def test_a_link_lets_somebody_in_once(house: House) -> None:
    token = invited(house)
    user_id = invitations.accept(house.engine, token, PASSWORD, NOW + DAY)
    with database.reading(house.engine) as connection:
        user = users.find(connection, user_id)
        assert invitations.open_of(connection, house.who.organisation_id, NOW) == []
        assert invitations.of_token(connection, token, NOW) is None
    assert user is not None
    assert user.organisation_id == house.who.organisation_id
    assert isinstance(sign_in(house.engine, user.email, PASSWORD, "", NOW), str)
    with pytest.raises(CatalogError, match="has been used"):
        invitations.accept(house.engine, token, PASSWORD, NOW + DAY)


def test_a_link_ends_after_seven_days_or_when_it_is_withdrawn(house: House) -> None:
    late, withdrawn = invited(house), invited(house, "other@house.example")
    with pytest.raises(CatalogError, match="too old"):
        invitations.accept(house.engine, late, PASSWORD, NOW + 7 * DAY)
    own_id = house.who.organisation_id
    with database.writing(house.engine) as connection:
        found = next(
            one
            for one in invitations.open_of(connection, own_id, NOW)
            if one.email.startswith("other")
        )
        identifier = found.invitation_id
        assert invitations.withdraw(connection, "org_x", identifier, house.who, NOW) is None
        assert invitations.withdraw(connection, own_id, identifier, house.who, NOW)
        assert invitations.withdraw(connection, own_id, identifier, house.who, NOW) is None
    with pytest.raises(CatalogError, match="withdrawn"):
        invitations.accept(house.engine, withdrawn, PASSWORD, NOW)


def test_a_link_that_many_open_at_once_lets_one_in(house: House) -> None:
    token = invited(house)

    def accept(_number: int) -> bool:
        try:
            invitations.accept(house.engine, token, PASSWORD, NOW)
        except CatalogError:
            return False
        return True

    with ThreadPoolExecutor(6) as everybody:
        assert sum(everybody.map(accept, range(6))) == 1


def test_two_links_for_one_address_let_one_in(house: House) -> None:
    tokens = [invited(house, "New@house.example"), invited(house)]

    def accept(token: str) -> bool:
        try:
            invitations.accept(house.engine, token, PASSWORD, NOW)
        except CatalogError:
            return False
        return True

    with ThreadPoolExecutor(2) as everybody:
        assert sum(everybody.map(accept, tokens)) == 1


def test_a_password_that_cannot_be_taken_leaves_the_link_as_it_is(house: House) -> None:
    token = invited(house)
    with pytest.raises(CatalogError, match="at least 10"):
        invitations.accept(house.engine, token, "short", NOW)
    invitations.accept(house.engine, token, PASSWORD, NOW)


def test_a_new_password_by_link_ends_sessions_and_older_links(house: House) -> None:
    session = sessions.begin(house.engine, house.ann.user_id, NOW)
    with database.writing(house.engine) as connection:
        _, old = invitations.reset(connection, house.ann, house.who, NOW)
        _, new = invitations.reset(connection, house.ann, house.who, NOW)
    with pytest.raises(CatalogError, match="withdrawn"):
        invitations.accept(house.engine, old, "another long one", NOW)
    with pytest.raises(CatalogError, match="too old"):
        invitations.accept(house.engine, new, "another long one", NOW + DAY)
    assert invitations.accept(house.engine, new, "another long one", NOW) == house.ann.user_id
    assert sessions.identity_of_session(house.engine, session, NOW) is None
    assert isinstance(sign_in(house.engine, ANN, "another long one", "", NOW), str)


def test_links_and_passwords_are_nowhere_in_the_log(house: House) -> None:
    token = invited(house)
    invitations.accept(house.engine, token, "a very long password", NOW)
    told = str(house.log())
    assert token not in told
    assert "very long" not in told
    assert house.actions()[-2:] == ["invite", "add"]


def test_nobody_disables_themselves_or_the_last_one(house: House) -> None:
    with (
        pytest.raises(CatalogError, match="your own account"),
        database.writing(house.engine) as connection,
    ):
        users.set_disabled(connection, house.ann, True, house.who, NOW)
    with (
        pytest.raises(CatalogError, match="without anybody"),
        database.writing(house.engine) as connection,
    ):
        users.set_disabled(connection, house.ann, True, COMMAND, NOW)


def test_two_people_who_disable_each_other_at_once_leave_one(house: House) -> None:
    bob = house.add("bob@house.example")

    def disable(user: users.User) -> bool:
        try:
            with database.writing(house.engine) as connection:
                users.set_disabled(connection, user, True, COMMAND, NOW)
        except CatalogError:
            return False
        return True

    with ThreadPoolExecutor(2) as both:
        assert sum(both.map(disable, (house.ann, bob))) == 1


def test_time_goes_on_for_who_was_enabled_again(house: House) -> None:
    bob = house.add("bob@house.example")
    for disabled in (True, False):
        with database.writing(house.engine) as connection:
            users.set_disabled(connection, bob, disabled, house.who, NOW + HOUR)
    assert isinstance(sign_in(house.engine, bob.email, PASSWORD, "", NOW), str)
    assert house.actions()[-3:] == ["disable", "enable", "sign in"]
