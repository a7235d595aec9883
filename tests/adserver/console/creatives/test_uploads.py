"""Files that people drop: each with its verdict; what is refused leaves nothing behind."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from adserver.console.creatives import intake
from adserver.media import checking
from adserver.media.limits import MOST_UPLOAD_BYTES
from adserver.stores import audit, database
from tests.adserver.console.creatives.studio import BASE, Studio, send, uploaded
from tests.adserver.console.web.running import MULTIPART
from tests.adserver.media import made_files as files
from tests.adserver.media.memory import watched

FILES = "/api/v1/advertisers/adv1/files"
ABUSE = {
    "bomb.png": files.png_bomb(),
    "bomb.gif": files.gif_of(10_000),
    "bomb.webp": files.webp_bomb(),
    "zip.png": files.zip_bomb(50),
    "script.svg": b"<svg onload='alert(1)'/>",
    "script.gif": files.gif_script(),
    "both.jpg": files.encoded("JPEG") + files.archive({"a.js": b"alert(1)"}),
    "page.png": files.encoded("PNG") + files.SCRIPT,
    "not-a.png": files.encoded("JPEG"),
    "half.jpg": files.encoded("JPEG")[:5_000],
    "half.mp4": files.film()[:9_000],
    "../../../etc/evil.png": b"\x89PNG\r\n\x1a\n" + os.urandom(500),
}


def test_dropped_files_are_taken_or_refused_one_by_one(studio: Studio) -> None:
    browser = studio.advertiser()
    sent = [
        ("files", "spring.png", files.encoded("PNG")),
        ("files", "logo.svg", b"<svg/>"),
        ("files", "film.mp4", files.film((540, 960), 6)),
    ]
    reply = browser.upload(f"{BASE}/files", {}, sent)
    page = reply.body.decode()
    assert reply.status == 200
    assert "SVG pictures can hold scripts" in page
    assert "540 x 960" in page
    kept = studio.kept()
    assert sorted(name.partition(".")[2] for name in kept) == [
        "jpg", "mp4", "png", "thumb.webp", "thumb.webp",
    ]  # fmt: skip
    assert "spring.png" in browser.get(f"{BASE}/files")


def test_every_abuse_is_refused_with_its_reason_and_nothing_is_kept(studio: Studio) -> None:
    program = studio.program()
    with watched() as peak:
        for name, content in ABUSE.items():
            reply = send(program, FILES, "file", name, content)
            assert reply.status == 422, (name, reply.body)
            assert len(json.loads(reply.body)["detail"]) > 15
    assert studio.kept() == []
    assert json.loads(program.call("GET", FILES).body)["items"] == []
    assert peak.above_idle < 200_000_000


def test_the_page_answers_422_when_nothing_was_taken(studio: Studio) -> None:
    browser = studio.advertiser()
    reply = browser.upload(f"{BASE}/files", {}, [("files", "<b>.png", b"<svg/>")])
    assert reply.status == 422
    assert b"&lt;b&gt;.png" in reply.body
    assert browser.upload(f"{BASE}/files", {}, []).status == 422


def test_two_hundred_megabytes_are_refused_without_being_read(studio: Studio) -> None:
    browser, program = studio.advertiser(), studio.program()
    token = browser.token(f"{BASE}/files")
    body = bytes(MOST_UPLOAD_BYTES + 1)
    with watched() as peak:
        reply = browser.call("POST", f"{BASE}/files", body, Content_Type=MULTIPART)
        again = program.call("POST", FILES, body, Content_Type=MULTIPART)
    assert (reply.status, again.status) == (413, 413)
    assert token
    assert studio.kept() == []
    assert peak.above_idle < 200_000_000


def test_the_same_file_again_is_one_file(studio: Studio) -> None:
    mine, theirs = studio.program(), studio.program("adv2")
    content = files.encoded("PNG")
    sha256 = uploaded(mine, "a.png", content)
    before = studio.kept()
    assert uploaded(mine, "b.png", content) == sha256
    assert uploaded(theirs, "c.png", content, "adv2") == sha256
    assert studio.kept() == before
    assert json.loads(mine.call("GET", FILES).body)["items"][0]["name"] == "b.png"


def test_an_upload_is_in_the_audit_log(studio: Studio) -> None:
    sha256 = uploaded(studio.program(), "a.png", files.encoded("PNG"))
    with database.reading(studio.desk.engine) as connection:
        (line,) = audit.lines(connection, audit.Sought(kind="file"), 10)
    assert (line.action, line.entity_id) == ("upload", sha256)


def test_a_full_library_takes_nothing_more(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    program = studio.program()
    uploaded(program, "a.png", files.encoded("PNG"))
    monkeypatch.setattr(intake, "MOST_LIBRARY_BYTES", 10_000)
    before = studio.kept()
    reply = send(program, FILES, "file", "b.png", files.encoded("PNG", seed=3))
    assert reply.status == 422
    assert b"library is full" in reply.body
    assert studio.kept() == before


def test_while_others_upload_one_is_asked_to_come_again(studio: Studio) -> None:
    with ExitStack() as places:
        for _ in range(checking.MOST_WAITING):
            places.enter_context(checking.a_place_in_the_queue())
        reply = send(studio.program(), FILES, "file", "a.png", files.encoded("PNG"))
    assert reply.status == 422
    assert b"Others are uploading" in reply.body


def test_pages_answer_while_files_are_looked_at(studio: Studio) -> None:
    slow = files.animation("GIF", 40, (640, 600))
    program, browser = studio.program(), studio.advertiser()
    with ThreadPoolExecutor(2) as uploads:
        sent = [uploads.submit(send, program, FILES, "file", "slow.gif", slow) for _ in range(2)]
        for _ in range(5):
            assert "Creatives" in browser.get(BASE)
        assert not all(one.done() for one in sent)
        assert {one.result().status for one in sent} <= {201, 422}


def test_a_picture_that_looks_like_an_older_one_is_hinted_at(studio: Studio) -> None:
    browser = studio.advertiser()
    browser.upload(f"{BASE}/files", {}, [("files", "old.png", files.encoded("PNG"))])
    small = files.encoded("JPEG", (270, 480), quality=60)
    page = browser.upload(f"{BASE}/files", {}, [("files", "new.jpg", small)]).body.decode()
    assert "It looks like old.png" in page


def test_a_library_is_its_owners_alone(studio: Studio) -> None:
    sha256 = uploaded(studio.program(), "a.png", files.encoded("PNG"))
    other = studio.program("adv2")
    assert other.call("GET", f"{FILES}/{sha256}").status == 404
    assert other.call("GET", f"/api/v1/advertisers/adv2/files/{sha256}").status == 404
    assert studio.advertiser("adv2").call("GET", f"{BASE}/files").status == 404
    made = {"line_item_id": "li2", "format": "splash", "file": sha256,
            "landing_url": "https://x.example"}  # fmt: skip
    reply = other.call(
        "POST", "/api/v1/advertisers/adv2/creatives", json.dumps(made).encode(),
        Content_Type="application/json",
    )  # fmt: skip
    assert (reply.status, json.loads(reply.body)["field"]) == (422, "/file")


def test_files_are_listed_page_by_page(studio: Studio) -> None:
    program = studio.program()
    hashes = {uploaded(program, f"{i}.png", files.encoded("PNG", (64, 64), i)) for i in range(5)}
    found, cursor = [], ""
    while True:
        page = json.loads(program.call("GET", f"{FILES}?limit=2&cursor={cursor}").body)
        found += [item["sha256"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(found) == 5
    assert set(found) == hashes
    assert program.call("GET", f"{FILES}?cursor=bm9uc2Vuc2U").status == 400


def test_a_name_is_shown_as_what_it_is(studio: Studio) -> None:
    program = studio.program()
    uploaded(program, "a\u202egnp.<b>.png", files.encoded("PNG"))
    page = studio.advertiser().get(f"{BASE}/files")
    assert "a?gnp.&lt;b&gt;.png" in page
    odd = studio.advertiser().call("GET", f"{BASE}/files?before=0001-01-01T00:00%2B23:59~x")
    assert odd.status == 200
