"""Creatives made and changed in forms and by REST; what is wrong is said at its field."""

import json

import pytest

from models.domain.campaign import Creative, Review
from tests.adserver.console.creatives.studio import (
    BASE,
    DECLARED,
    Studio,
    handed_in,
    judged,
    rest,
    uploaded,
)
from tests.adserver.media import made_files as files

API = "/advertisers/adv1/creatives"


def test_a_file_becomes_a_creative_that_waits_for_review(studio: Studio) -> None:
    sha256 = uploaded(studio.program(), "a.png", files.encoded("PNG", (1080, 1920)))
    browser = studio.advertiser()
    form = {
        "file": sha256,
        "form": "splash",
        "line_item_id": "li1",
        "landing_kind": "web",
        "landing_url": "https://shop.example/spring",
        "title": "Spring",
        "declared": DECLARED,
    }
    reply = browser.submit(f"{BASE}/new", form, on=f"{BASE}/new?file={sha256}")
    assert reply.status == 303, reply.body
    made = studio.desk.catalog.get(Creative, reply.headers["Location"].rpartition("/")[2])
    assert made.review is Review.PENDING
    assert (made.w, made.h, made.duration_ms) == (1080, 1920, 5_000)
    assert made.assets[0].url == f"http://127.0.0.1:8081/media/{sha256}.png"
    assert (made.assets[0].role, made.assets[0].sha256) == ("image", sha256)
    page = browser.get(reply.headers["Location"])
    assert "Waits for review" in page
    assert "free for the ad label" in page


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong(studio: Studio) -> None:
    sha256 = uploaded(studio.program(), "a.png", files.encoded("PNG"))
    form = {
        "file": sha256,
        "form": "splash",
        "landing_kind": "web",
        "landing_url": "javascript:alert(1)",
        "title": '"><script>alert(1)</script>',
    }
    reply = studio.advertiser().submit(f"{BASE}/new", form, on=f"{BASE}/new?file={sha256}")
    page = reply.body.decode()
    assert reply.status == 422
    assert "choose a line item" in page
    assert "a splash ad needs both declarations" in page
    assert "<script>alert" not in page
    assert "&#34;&gt;&lt;script&gt;" in page
    form |= {"line_item_id": "li1", "declared": DECLARED}  # type: ignore[dict-item]
    reply = studio.advertiser().submit(f"{BASE}/new", form, on=f"{BASE}/new?file={sha256}")
    assert reply.status == 422
    assert b"must be a" in reply.body  # the landing page's own rule


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"line_item_id": "li2"}, "/line_item_id"),
        ({"line_item_id": "nope"}, "/line_item_id"),
        ({"format": "poster"}, "/format"),
        ({"format": "banner"}, "/file"),
        ({"format": "rewarded_video"}, "/file"),
        ({"format": "native", "title": " "}, "/title"),
        ({"file": "ab" * 32}, "/file"),
        ({"icon": "ab" * 32}, "/icon"),
        ({"landing_url": "data:text/html,x"}, "/landing_url"),
        ({"landing_url": "shop://x"}, "/landing_url"),
        ({"landing_kind": "popup"}, "/landing_kind"),
        ({"fallback_url": "javascript:1"}, "/fallback_url"),
        ({"title": "a\nb"}, "/title"),
        ({"declared": ["label_area_free"]}, "/declared"),
    ],
)
def test_rest_names_the_field_that_is_wrong(
    studio: Studio, changes: dict[str, object], field: str
) -> None:
    program = studio.program()
    wanted = {
        "line_item_id": "li1",
        "format": "splash",
        "file": uploaded(program, "a.png", files.encoded("PNG")),
        "landing_url": "https://shop.example/",
        "declared": DECLARED,
        **changes,
    }
    reply = rest(program, "POST", API, wanted)
    assert (reply.status, json.loads(reply.body)["field"]) == (422, field), reply.body
    assert len(studio.desk.catalog.find(Creative)) == 2


def test_a_film_brings_its_poster_and_its_length(studio: Studio) -> None:
    program = studio.program()
    film = uploaded(program, "a.mp4", files.film((540, 960), 6))
    small = uploaded(program, "i.png", files.encoded("PNG", (64, 64)))
    made = handed_in(studio, file=film, icon=small)
    assert [asset["role"] for asset in made["assets"]] == ["video", "poster", "icon"]
    assert made["duration_ms"] == 6_000
    poster = made["assets"][1]["url"].rpartition("/")[2]
    assert poster in studio.kept()


def test_any_change_goes_back_to_review_and_no_change_does_not(studio: Studio) -> None:
    made = handed_in(studio)
    judged(studio, made, "approved")
    path = f"{API}/{made['creative_id']}"
    program = studio.program()
    same = rest(program, "PATCH", path, {"title": "Spring", "declared": DECLARED})
    assert json.loads(same.body)["review"] == "approved"
    other = rest(program, "PATCH", path, {"title": "Summer", "declared": DECLARED})
    assert json.loads(other.body)["review"] == "pending"
    said = json.loads(rest(program, "GET", f"{path}/reviews").body)["items"]
    assert [one["verdict"] for one in said] == ["pending", "approved", "pending"]


def test_a_rejected_one_is_handed_in_again_as_it_is(studio: Studio) -> None:
    made = handed_in(studio)
    judged(studio, made, "rejected", reason="quality")
    reply = rest(studio.program(), "PATCH", f"{API}/{made['creative_id']}", {"declared": DECLARED})
    assert json.loads(reply.body)["review"] == "pending"


def test_what_the_operator_wrote_can_be_changed_and_keeps_its_story(studio: Studio) -> None:
    browser = studio.advertiser()
    page = browser.get(f"{BASE}/cr1")
    assert "approved it by that" in page
    form = {
        "form": "splash",
        "line_item_id": "li1",
        "landing_kind": "web",
        "landing_url": "https://shop.example/other",
        "title": "New",
        "declared": DECLARED,
    }
    reply = browser.submit(f"{BASE}/cr1/edit", form, on=f"{BASE}/cr1/edit")
    assert reply.status == 303, reply.body
    changed = studio.desk.catalog.get(Creative, "cr1")
    assert (changed.review, changed.title) == (Review.PENDING, "New")
    assert changed.assets[0].url == "https://cdn.example/a.png"
    story = json.loads(rest(studio.program(), "GET", f"{API}/cr1/reviews").body)["items"]
    assert [one["verdict"] for one in story] == ["pending", "approved"]


def test_archiving_is_no_change_of_content(studio: Studio) -> None:
    browser = studio.advertiser()
    assert browser.submit(f"{BASE}/cr1/archive", {}, on=f"{BASE}/cr1").status == 303
    assert studio.desk.catalog.get(Creative, "cr1").active is False
    assert "cr1" not in browser.get(BASE)
    assert "cr1" in browser.get(f"{BASE}?state=archived")
    assert browser.submit(f"{BASE}/cr1/restore", {}, on=f"{BASE}/cr1").status == 303
    restored = studio.desk.catalog.get(Creative, "cr1")
    assert (restored.active, restored.review) == (True, Review.APPROVED)


def test_a_foreign_creative_is_not_found(studio: Studio) -> None:
    browser, program = studio.advertiser(), studio.program()
    for path in ("", "/edit"):
        assert browser.call("GET", f"{BASE}/cr2{path}").status == 404
    assert program.call("GET", f"/api/v1{API}/cr2").status == 404
    assert rest(program, "PATCH", f"{API}/cr2", {"title": "x"}).status == 404
    assert rest(program, "POST", f"{API}/cr2/archive").status == 404


def test_the_form_shows_the_words_before_anything_is_saved(studio: Studio) -> None:
    sha256 = uploaded(studio.program(), "a.png", files.encoded("PNG"))
    form = {"file": sha256, "form": "native", "title": "Look at me", "look": "1"}
    reply = studio.advertiser().submit(f"{BASE}/new", form, on=f"{BASE}/new?file={sha256}")
    assert reply.status == 200
    assert b"<strong>Look at me</strong>" in reply.body
    assert len(studio.desk.catalog.find(Creative)) == 2


def test_without_a_file_the_form_sends_to_the_library_and_keeps_the_line_item(
    studio: Studio,
) -> None:
    browser = studio.advertiser()
    reply = browser.call("GET", f"{BASE}/new?line_item_id=li1")
    assert reply.headers["Location"] == f"{BASE}/files?line_item_id=li1"
    sent = [("files", "a.png", files.encoded("PNG"))]
    page = browser.upload(f"{BASE}/files?line_item_id=li1", {}, sent, on=f"{BASE}/files")
    assert b"&amp;line_item_id=li1" in page.body


def test_creatives_are_listed_by_state_and_line_item(studio: Studio) -> None:
    made = handed_in(studio)
    program = studio.program()

    def ids(query: str) -> list[str]:
        items = json.loads(program.call("GET", f"/api/v1{API}?{query}").body)["items"]
        return [item["creative_id"] for item in items]

    assert ids("review=pending") == [made["creative_id"]]
    assert ids("review=approved&line_item_id=li1") == ["cr1"]
    assert ids("line_item_id=li2") == []
    assert program.call("GET", f"/api/v1{API}?review=odd").status == 400
    csv = program.call("GET", f"/api/v1{API}", Accept="text/csv")
    assert csv.body.startswith(b"creative_id,line_item_id,format")
