"""Many creatives in one archive: all, or none with the reason at each row."""

import csv
import io
import json

import pytest

from models.domain.campaign import Creative, Review
from tests.adserver.console.creatives.studio import BASE, Studio, send
from tests.adserver.media import made_files as files
from tests.adserver.media.memory import watched

BULK = "/api/v1/advertisers/adv1/creatives/bulk"
GOOD = {
    "file": "spring.png",
    "line_item_id": "li1",
    "format": "splash",
    "landing_url": "https://shop.example/spring",
    "declared": "yes",
}


def table(*rows: dict[str, str], head: str = "") -> bytes:
    """A CSV as a spreadsheet writes it."""
    names = head.split(",") if head else list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def faults(studio: Studio, content: bytes) -> str:
    """What is wrong with an archive that must be refused, with nothing kept."""
    before = len(studio.desk.catalog.find(Creative))
    reply = send(studio.program(), BULK, "archive", "bulk.zip", content)
    assert reply.status == 422, reply.body
    assert studio.kept() == []
    assert len(studio.desk.catalog.find(Creative)) == before
    return str(json.loads(reply.body)["detail"])


def test_an_archive_becomes_creatives_that_wait_for_review(studio: Studio) -> None:
    native = {
        "file": "a/wide.jpg",
        "line_item_id": "li1",
        "format": "native",
        "landing_url": "https://shop.example/",
        "title": "Tea",
        "icon": "a/icon.png",
    }
    content = files.archive(
        {
            "creatives.csv": table(GOOD, native),
            "spring.png": files.encoded("PNG"),
            "a/wide.jpg": files.encoded("JPEG", (1200, 627)),
            "a/icon.png": files.encoded("PNG", (64, 64)),
        }
    )
    browser = studio.advertiser()
    reply = browser.upload(f"{BASE}/bulk", {}, [("archive", "bulk.zip", content)])
    assert reply.status == 303, reply.body[-3000:]
    made = [one for one in studio.desk.catalog.find(Creative) if one.review is Review.PENDING]
    assert sorted(one.format for one in made) == ["native", "splash"]
    assert {len(one.assets) for one in made} == {1, 2}
    assert len(studio.kept()) == 6
    assert "wide.jpg" in browser.get(f"{BASE}/files")


def test_every_wrong_row_says_what_is_wrong_and_none_is_kept(studio: Studio) -> None:
    rows = [
        GOOD,
        {**GOOD, "line_item_id": "li2"},
        {**GOOD, "landing_url": "javascript:alert(1)"},
        {**GOOD, "format": "banner"},
        {**GOOD, "declared": ""},
    ]
    content = files.archive({"c.csv": table(*rows), "spring.png": files.encoded("PNG")})
    said = faults(studio, content)
    assert "row 3: spring.png: line_item_id: choose a line item" in said
    assert "row 4: spring.png: landing_url" in said
    assert "row 5: spring.png: file: it is 540 x 960" in said
    assert "row 6: spring.png: declared" in said
    assert "row 2" not in said
    browser = studio.advertiser()
    reply = browser.upload(f"{BASE}/bulk", {}, [("archive", "b.zip", content)])
    assert reply.status == 422
    assert b"Nothing was taken" in reply.body


def test_a_refused_file_refuses_the_whole(studio: Studio) -> None:
    rows = [GOOD, {**GOOD, "file": "evil.gif"}, {**GOOD, "file": "bomb.png"}]
    content = files.archive(
        {
            "c.csv": table(*rows),
            "spring.png": files.encoded("PNG"),
            "evil.gif": files.gif_script(),
            "bomb.png": files.png_bomb(),
        }
    )
    said = faults(studio, content)
    assert "row 3: evil.gif: Beside the picture it holds JavaScript" in said
    assert "row 4: bomb.png: It measures 50000 x 50000" in said


def test_files_and_rows_must_match(studio: Studio) -> None:
    picture = files.encoded("PNG")
    lost = files.archive({"c.csv": table({**GOOD, "icon": "i.png"}), "other.png": picture})
    said = faults(studio, lost)
    assert "row 2: spring.png: There is no such file" in said
    assert "row 2: i.png: There is no such file" in said
    assert "other.png: This file is in no row" in said


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no zip", "no ZIP archive"),
        (files.archive({"a.png": b"x"}), "exactly one CSV"),
        (files.archive({"a.csv": b"x", "b.csv": b"x"}), "exactly one CSV"),
        (files.archive({"a.csv": b"file,format\n"}), "needs the columns"),
        (files.archive({"a.csv": b"\xff\xfe\x00"}), "not text in UTF-8"),
        (files.archive({"a.csv": b"a" * 1_000_001}), "longer than a megabyte"),
        (files.archive({"a.csv": table(head="file,line_item_id,format,landing_url")}), "1 to 100"),
        (files.archive({"a.csv": table(*[GOOD] * 101)}), "1 to 100"),
        (files.archive({"../a.csv": b"x"}), "leads out of it"),
        (files.zip_with_link(), "is a link"),
        (files.zip_of_many(5_000), "holds 5000 files"),
        (files.archive({"a.zip": files.archive({"b.zip": b"x"}), "c.csv": table(GOOD)}),
         "a.zip: This file is in no row"),
    ],
)  # fmt: skip
def test_an_archive_that_makes_no_sense_is_refused(
    studio: Studio, content: bytes, why: str
) -> None:
    said = faults(studio, content)
    assert why in said
    assert "row 0" not in said


def test_bombs_take_no_memory(studio: Studio) -> None:
    nested = files.archive({"c.csv": table({**GOOD, "file": "a.png"}), "a.png": files.zip_bomb(50)})
    with watched() as peak:
        assert "at most" in faults(studio, files.zip_bomb())
        assert "archive" in faults(studio, nested)
    assert peak.above_idle < 200_000_000


def test_a_row_may_be_quoted_and_a_file_used_twice(studio: Studio) -> None:
    rows = [GOOD, {**GOOD, "description": 'two\nlines, "quoted"', "title": "=1+1"}]
    content = files.archive({"c.csv": table(*rows), "spring.png": files.encoded("PNG")})
    reply = send(studio.program(), BULK, "archive", "bulk.zip", content)
    assert reply.status == 201, reply.body
    made = json.loads(reply.body)["creatives"]
    assert made[1]["description"] == 'two\nlines, "quoted"'
    assert made[0]["assets"] == made[1]["assets"]


def test_the_example_names_a_line_item_of_ones_own(studio: Studio) -> None:
    reply = studio.advertiser().call("GET", f"{BASE}/example.csv")
    (row,) = csv.DictReader(io.StringIO(reply.body.decode("utf-8-sig")))
    assert (row["line_item_id"], row["declared"]) == ("li1", "yes")
    assert studio.advertiser().submit(f"{BASE}/bulk", {}).status == 422
