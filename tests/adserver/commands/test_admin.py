"""`adunion admin`: the first operator, links, other passwords."""

import json
from typing import Any

from tests.adserver.commands.conftest import Run

ANN = "ann@house.example"


def read(adunion: Run, *arguments: str, **options: Any) -> Any:
    return json.loads(adunion(*arguments, "--json", **options).output)


def test_the_first_operator_gets_a_password_that_was_made_up(adunion: Run) -> None:
    told = adunion("admin", "create", "--email", ANN).output
    assert f"{ANN} can sign in at http://127.0.0.1:8081/sign-in" in told
    assert "Password: " in told
    (user,) = read(adunion, "admin", "list")
    assert (user["email"], user["role"], user["disabled"]) == (ANN, "operator", False)
    again = adunion("admin", "create", "--email", ANN.upper(), fails=True).output
    assert "has an account already" in again


def test_a_password_may_come_by_standard_input_and_is_not_repeated(adunion: Run) -> None:
    typed = "correct horse battery\n"
    made = read(adunion, "admin", "create", "--email", ANN, "--password-stdin", typed=typed)
    assert "password" not in made
    refused = adunion(
        "admin", "reset", "--email", ANN, "--password-stdin", typed="short\n", fails=True
    )
    assert "at least 10 characters" in refused.output
    assert "password" in read(adunion, "admin", "reset", "--email", ANN)


def test_a_partners_person_is_invited_by_a_link(adunion: Run) -> None:
    arguments = ("admin", "invite", "--role", "partner", "--owner", "p", "--email", "x@p.example")
    assert "there is nobody of this id" in adunion(*arguments, fails=True).output
    adunion("partner", "apply", "--id", "p", "--name", "P")
    made = read(adunion, *arguments)
    assert made["link"].startswith("http://127.0.0.1:8081/invitations/")
    assert read(adunion, "admin", "list") == []


def test_an_owner_gets_users_of_its_own(adunion: Run) -> None:
    adunion("advertiser", "add", "--id", "tea", "--name", "Tea")
    owned = ("--role", "advertiser", "--owner", "tea")
    read(adunion, "admin", "create", "--email", "t@tea.example", *owned)
    (user,) = read(adunion, "admin", "list")
    assert (user["role"], user["owner"], user["organisation"]) == ("advertiser", "tea", "Tea")


def test_somebody_is_shut_out_and_let_in_but_never_the_last_one(adunion: Run) -> None:
    adunion("admin", "create", "--email", ANN)
    last = adunion("admin", "disable", "--email", ANN, fails=True).output
    assert "without anybody who can sign in" in last
    adunion("admin", "create", "--email", "bob@house.example")
    assert adunion("admin", "disable", "--email", ANN).output == f"{ANN} is disabled.\n"
    assert "yes" in adunion("admin", "list").output
    assert adunion("admin", "enable", "--email", ANN).output == f"{ANN} is enabled.\n"
    unknown = adunion("admin", "disable", "--email", "no@house.example", fails=True).output
    assert "nobody signs in with this address" in unknown


def test_before_anybody_is_there_the_list_says_what_to_do(adunion: Run) -> None:
    assert "adunion admin create" in adunion("admin", "list").output


def test_a_change_at_the_command_line_is_in_the_log_as_such(adunion: Run) -> None:
    adunion("advertiser", "add", "--id", "tea", "--name", "Tea")
    adunion("advertiser", "edit", "tea", "--name", "Coffee")
    told = adunion("admin", "log", "--kind", "advertiser").output
    assert told.count("command") == 2
    assert "name: Tea -> Coffee" in told
