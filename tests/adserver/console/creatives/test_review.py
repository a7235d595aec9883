"""The operators' review: a verdict on what was seen, read by the advertiser, kept by workers."""

import json
import re
from datetime import UTC, datetime, timedelta

from adserver.stores import audit, database
from models.domain.campaign import Creative, Review
from models.domain.marketplace import Marketplace
from tests.adserver.console.creatives.studio import (
    BASE,
    DECLARED,
    Studio,
    handed_in,
    judged,
    rest,
)


def served(studio: Studio) -> Marketplace:
    """What workers would get now."""
    since = datetime.now(UTC) - timedelta(days=7)
    return studio.desk.catalog.load_for_serving(since)[1]


def served_creative(studio: Studio, creative_id: str) -> Creative:
    return next(one for one in served(studio).creatives if one.creative_id == creative_id)


def version_on(page: str) -> str:
    found = re.search(r'name="version" value="(\w+)"', page)
    assert found
    return found[1]


def test_an_operator_approves_and_workers_get_it(studio: Studio) -> None:
    made = handed_in(studio)
    creative_id = made["creative_id"]
    assert served_creative(studio, creative_id).active is False
    operator = studio.operator()
    assert "1 creative waits" in operator.get("/house/review")
    path = f"/house/review/{creative_id}"
    page = operator.get(path)
    assert "free for the ad label" in page
    reply = operator.submit(f"{path}/approve", {"version": version_on(page)}, on=path)
    assert (reply.status, reply.headers["Location"]) == (303, "/house/review")
    assert served_creative(studio, creative_id).active is True
    assert "Nothing waits" in operator.get("/house/review")


def test_a_rejection_needs_a_reason_and_is_read_by_the_advertiser(studio: Studio) -> None:
    made = handed_in(studio)
    path = f"/house/review/{made['creative_id']}"
    operator = studio.operator()
    version = {"version": version_on(operator.get(path))}
    reply = operator.submit(f"{path}/reject", version, on=path)
    assert reply.status == 422
    assert b"say why it is rejected" in reply.body
    reply = operator.submit(f"{path}/reject", {**version, "reason": "other"}, on=path)
    assert b"say the reason in words" in reply.body
    said = {"reason": "claims", "words": "<b>Best</b> tea?"}
    assert operator.submit(f"{path}/reject", version | said, on=path).status == 303
    page = studio.advertiser().get(f"{BASE}/{made['creative_id']}")
    assert "Unproven or absolute claims" in page
    assert "&lt;b&gt;Best&lt;/b&gt; tea?" in page
    assert "operator@people.example" not in page


def test_what_was_changed_since_it_was_looked_at_is_not_approved(studio: Studio) -> None:
    made = handed_in(studio)
    path = f"/house/review/{made['creative_id']}"
    operator = studio.operator()
    version = version_on(operator.get(path))
    change = {"landing_url": "https://phish.example/", "declared": DECLARED}
    url = f"/advertisers/adv1/creatives/{made['creative_id']}"
    assert rest(studio.program(), "PATCH", url, change).status == 200
    reply = operator.submit(f"{path}/approve", {"version": version}, on=path)
    assert reply.status == 409
    assert b"changed meanwhile" in reply.body
    assert judged(studio, made, "approved").status == 409
    assert studio.desk.catalog.get(Creative, made["creative_id"]).review is Review.PENDING


def test_a_late_click_never_leads_where_nobody_has_looked(studio: Studio) -> None:
    made = handed_in(studio)
    creative_id = made["creative_id"]
    judged(studio, made, "approved")
    change = {"landing_url": "https://phish.example/", "declared": DECLARED}
    program = studio.program()
    rest(program, "PATCH", f"/advertisers/adv1/creatives/{creative_id}", change)
    late = served_creative(studio, creative_id)
    assert (late.active, late.landing_url) == (False, "https://shop.example/spring")
    rest(program, "PATCH", "/advertisers/adv1/creatives/cr1", change)
    late = served_creative(studio, "cr1")
    assert (late.active, late.landing_url) == (False, "https://shop.example/landing")


def test_what_the_operator_changed_after_a_review_counts_as_approved(studio: Studio) -> None:
    made = handed_in(studio)
    judged(studio, made, "approved")
    moved = "https://shop.example/moved"
    studio.desk.catalog.edit(
        Creative,
        made["creative_id"],
        lambda one: Creative(**{**_fields(one), "landing_url": moved}),
        datetime.now(UTC),
    )
    change = {"title": "Other", "landing_url": "https://x.example/", "declared": DECLARED}
    rest(studio.program(), "PATCH", f"/advertisers/adv1/creatives/{made['creative_id']}", change)
    assert served_creative(studio, made["creative_id"]).landing_url == moved


def _fields(creative: Creative) -> dict[str, object]:
    return {name: getattr(creative, name) for name in Creative.__dataclass_fields__}


def test_a_reviewer_sees_what_changed_and_what_looks_alike(studio: Studio) -> None:
    first = handed_in(studio)
    judged(studio, first, "rejected", reason="rights")
    second = handed_in(studio, title="Again")
    judged(studio, second, "approved")
    path = f"/advertisers/adv1/creatives/{second['creative_id']}"
    rest(studio.program(), "PATCH", path, {"title": "Once more", "declared": DECLARED})
    page = studio.operator().get(f"/house/review/{second['creative_id']}")
    assert "Changed since it was approved" in page
    assert "Again" in page
    assert "Pictures that look like it" in page
    assert first["creative_id"] in page


def test_the_next_one_is_shown_after_a_verdict(studio: Studio) -> None:
    first, second = handed_in(studio), handed_in(studio, title="Two")
    path = f"/house/review/{first['creative_id']}"
    operator = studio.operator()
    page = operator.get(path)
    assert "1 of 2" in page
    reply = operator.submit(f"{path}/approve", {"version": version_on(page)}, on=path)
    assert reply.headers["Location"] == f"/house/review/{second['creative_id']}"


def test_verdicts_are_in_the_audit_log_and_in_the_story(studio: Studio) -> None:
    made = handed_in(studio)
    judged(studio, made, "rejected", reason="quality", words="Blurred.")
    with database.reading(studio.desk.engine) as connection:
        lines = audit.lines(connection, audit.Sought(entity_id=made["creative_id"]), 10)
    assert [line.action for line in lines] == ["reject", "add"]
    url = f"/advertisers/adv1/creatives/{made['creative_id']}/reviews"
    (newest, oldest) = json.loads(rest(studio.program(), "GET", url).body)["items"]
    assert (newest["verdict"], newest["reason"], newest["words"]) == (
        "rejected", "quality", "Blurred.",
    )  # fmt: skip
    assert (oldest["verdict"], oldest["declared"]) == ("pending", DECLARED)


def test_advertisers_do_not_review(studio: Studio) -> None:
    made = handed_in(studio)
    advertiser, program = studio.advertiser(), studio.program()
    path = f"/house/review/{made['creative_id']}"
    for url in ("/house/review", path):
        assert advertiser.call("GET", url).status == 404
    token = advertiser.token(f"{BASE}/files")
    body = f"csrf={token}&version={made['version']}".encode()
    kind = "application/x-www-form-urlencoded"
    assert advertiser.call("POST", f"{path}/approve", body, Content_Type=kind).status == 404
    assert program.call("GET", "/api/v1/house/reviews").status == 404
    verdict = {"verdict": "approved", "version": made["version"]}
    url = f"/house/reviews/{made['creative_id']}"
    assert rest(program, "POST", url, verdict).status == 404
    smuggled = {"review": "approved", "title": "Mine", "declared": DECLARED}
    own = f"/advertisers/adv1/creatives/{made['creative_id']}"
    assert json.loads(rest(program, "PATCH", own, smuggled).body)["review"] == "pending"


def test_the_queue_is_paged_and_holds_only_what_waits(studio: Studio) -> None:
    made = [handed_in(studio, title=f"No {i}") for i in range(3)]
    program = studio.house_program()
    page = json.loads(program.call("GET", "/api/v1/house/reviews?limit=2").body)
    ids = [item["creative"]["creative_id"] for item in page["items"]]
    rest_of = program.call("GET", f"/api/v1/house/reviews?cursor={page['next_cursor']}")
    ids += [item["creative"]["creative_id"] for item in json.loads(rest_of.body)["items"]]
    assert ids == [one["creative_id"] for one in made]
    assert judged(studio, made[0], "rejected").status == 422
    assert judged(studio, made[0], "rejected", reason="nonsense").status == 422
    assert judged(studio, {"creative_id": "nope", "version": ""}, "approved").status == 404


def test_a_creative_with_an_address_elsewhere_is_shown_from_there(studio: Studio) -> None:
    page = studio.operator().get("/house/review/cr1")
    assert 'src="https://cdn.example/a.png"' in page
    made = handed_in(studio)
    page = studio.operator().get(f"/house/review/{made['creative_id']}")
    assert f'src="/media/{made["assets"][0]["sha256"]}.png"' in page
