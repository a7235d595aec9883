"""REST calls about accounts over real HTTP: whose things are answered, and to whom."""

from typing import Any

import pytest

from tests.adserver.api.running import Reply
from tests.adserver.console.account.people import ANN, BOB, CLIO, OPERATOR, House


def ok(reply: Reply, status: int = 200) -> Any:
    assert reply.status == status, reply.body
    return reply.json


def test_a_key_says_whom_it_acts_for(house: House) -> None:
    me = ok(house.call(ANN, "GET", "/me"))
    assert (me["role"], me["owner"], me["organisation_name"]) == (
        "advertiser",
        "adv1",
        "Advertiser One",
    )
    assert me["actor"].startswith("key:")
    assert ok(house.call(OPERATOR, "GET", "/me"))["owner"] == ""


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer adu_a_b"])
def test_nobody_without_a_key_is_answered(house: House, header: str) -> None:
    reply = house.browser().call("GET", "/api/v1/me", Authorization=header)
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert reply.json["status"] == 401


def test_a_session_cookie_is_no_key(house: House) -> None:
    assert house.browser(ANN).call("GET", "/api/v1/me").status == 401


def test_a_revoked_key_is_refused_at_once_even_by_itself(house: House) -> None:
    (key,) = ok(house.call(ANN, "GET", "/keys"))["items"]
    assert ok(house.call(ANN, "DELETE", f"/keys/{key['key_id']}"))["revoked_at"]
    assert house.call(ANN, "GET", "/me").status == 401


def test_keys_are_made_listed_and_revoked_within_one_organisation(house: House) -> None:
    made = ok(house.call(ANN, "POST", "/keys", {"name": "second"}), 201)
    assert made["key"].startswith(f"adu_{made['key_id']}_")
    listed = ok(house.call(ANN, "GET", "/keys"))["items"]
    assert {one["name"] for one in listed} == {"test", "second"}
    assert "key" not in listed[0]
    assert house.call(BOB, "DELETE", f"/keys/{made['key_id']}").status == 404
    assert house.call(OPERATOR, "DELETE", f"/keys/{made['key_id']}").status == 404
    assert house.call(ANN, "POST", "/keys", {"name": ""}).status == 400
    assert house.call(ANN, "POST", "/keys", {"name": "a\nb"}).json["field"] == "/name"


def test_the_same_idempotency_key_makes_one_key_and_answers_it_again(house: House) -> None:
    first = house.call(ANN, "POST", "/keys", {"name": "x"}, Idempotency_Key="k1")
    again = house.call(ANN, "POST", "/keys", {"name": "x"}, Idempotency_Key="k1")
    assert ok(first, 201) == ok(again, 201)
    assert len(ok(house.call(ANN, "GET", "/keys"))["items"]) == 2
    other = house.call(ANN, "POST", "/keys", {"name": "y"}, Idempotency_Key="k1")
    assert other.status == 409
    assert ok(house.call(BOB, "POST", "/keys", {"name": "x"}, Idempotency_Key="k1"), 201)


def test_the_organisation_is_changed_in_part(house: House) -> None:
    after = ok(house.call(ANN, "PATCH", "/organisation", {"name": "Tea"}))
    assert (after["name"], after["time_zone"]) == ("Tea", "Asia/Shanghai")
    refused = house.call(ANN, "PATCH", "/organisation", {"time_zone": "Mars"})
    assert (refused.status, refused.json["field"]) == (422, "/time_zone")
    assert ok(house.call(ANN, "GET", "/organisation"))["name"] == "Tea"


def test_people_are_listed_for_their_own_and_for_operators(house: House) -> None:
    (ann,) = ok(house.call(ANN, "GET", "/users"))["items"]
    assert ann["email"] == ANN
    of_ann = f"/users?organisation_id={house.who[ANN].organisation_id}"
    assert house.call(BOB, "GET", of_ann).status == 404
    assert ok(house.call(OPERATOR, "GET", of_ann))["items"] == [ann]


def test_people_of_others_are_neither_disabled_nor_reset(house: House) -> None:
    user = house.who[ANN].user_id
    for verb in ("disable", "enable", "reset"):
        assert house.call(BOB, "POST", f"/users/{user}/{verb}").status == 404
        assert house.call(BOB, "POST", f"/users/u_none/{verb}").status == 404
    last = house.call(OPERATOR, "POST", f"/users/{user}/disable")
    assert last.status == 422
    link = ok(house.call(OPERATOR, "POST", f"/users/{user}/reset"))["link"]
    assert "/invitations/" in link


def test_invitations_are_made_listed_and_withdrawn(house: House) -> None:
    made = ok(house.call(ANN, "POST", "/invitations", {"email": "new@one.example"}), 201)
    (listed,) = ok(house.call(ANN, "GET", "/invitations"))["items"]
    assert listed["invitation_id"] == made["invitation_id"]
    assert "link" not in listed
    path = f"/invitations/{made['invitation_id']}"
    assert house.call(BOB, "DELETE", path).status == 404
    assert house.call(ANN, "DELETE", path).status == 204
    assert house.call(ANN, "DELETE", path).status == 404
    taken = house.call(ANN, "POST", "/invitations", {"email": BOB})
    assert (taken.status, taken.json["field"]) == (422, "/email")


def test_only_operators_reach_what_is_the_houses(house: House) -> None:
    invite = {"email": "c2@p.example", "role": "partner", "owner": "p_clio"}
    for email in (ANN, CLIO):
        assert house.call(email, "GET", "/house/organisations").status == 404
        assert house.call(email, "POST", "/house/invitations", invite).status == 404
    assert len(ok(house.call(OPERATOR, "GET", "/house/organisations"))["items"]) == 4
    assert ok(house.call(OPERATOR, "POST", "/house/invitations", invite), 201)
    gone = house.call(OPERATOR, "POST", "/house/invitations", invite | {"owner": "x"})
    assert (gone.status, gone.json["field"]) == (422, "/owner")


def test_lists_go_on_by_their_cursor(house: House) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = ok(house.call(OPERATOR, "GET", f"/house/organisations?limit=3&cursor={cursor}"))
        seen += [one["organisation_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 4


def test_the_log_is_answered_by_whose_it_is_newest_first(house: House) -> None:
    for name in ("a", "b", "c"):
        ok(house.call(ANN, "PATCH", "/organisation", {"name": name}))
    ok(house.call(BOB, "PATCH", "/organisation", {"name": "z"}))
    first = ok(house.call(ANN, "GET", "/audit?kind=organisation&limit=2"))
    names = [line["after"]["name"] for line in first["items"]]
    more = ok(house.call(ANN, "GET", f"/audit?kind=organisation&cursor={first['next_cursor']}"))
    names += [line["after"]["name"] for line in more["items"]]
    assert names == ["c", "b", "a", "Advertiser One"]  # the last: the house made it
    everybody = ok(house.call(OPERATOR, "GET", "/audit?kind=organisation"))["items"]
    assert {"a", "z"} < {line["after"]["name"] for line in everybody}


def test_the_log_is_a_table_where_a_spreadsheet_asks(house: House) -> None:
    ok(house.call(ANN, "PATCH", "/organisation", {"name": "=1+1"}))
    reply = house.call(ANN, "GET", "/audit", Accept="text/csv")
    assert reply.status == 200
    assert reply.body.startswith(b"seq,at,actor")
