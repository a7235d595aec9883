"""What nobody uses is swept after a day; what a creative has or had lately stays."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adserver.console.media_sweep import sweep
from adserver.media.shelf import shelf_of
from models.domain.campaign import Creative
from tests.adserver.console.creatives.studio import Studio, handed_in, open_studio, uploaded
from tests.adserver.media import made_files as files

NOW = datetime.now(UTC)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with open_studio(tmp_path) as opened:
        yield opened


def swept(studio: Studio, days: float) -> int:
    shelf = shelf_of(studio.desk.settings.data_dir)
    return sweep(studio.desk.engine, shelf, NOW + timedelta(days=days))


def test_an_upload_that_nobody_uses_goes_after_a_day(studio: Studio) -> None:
    program = studio.program()
    uploaded(program, "a.mp4", files.film())
    assert swept(studio, 0.9) == 0
    assert len(studio.kept()) == 3
    assert swept(studio, 1.1) == 2  # the film and its poster
    assert studio.kept() == []
    again = uploaded(program, "a.mp4", files.film())
    assert again


def test_uploading_it_again_gives_it_another_day(studio: Studio) -> None:
    program = studio.program()
    uploaded(program, "a.png", files.encoded("PNG"))
    assert swept(studio, 0.9) == 0
    uploaded(program, "a.png", files.encoded("PNG"))
    assert swept(studio, 0.99) == 0


def test_files_of_a_creative_stay_even_when_it_is_archived_or_removed(studio: Studio) -> None:
    made = handed_in(studio, file=uploaded(studio.program(), "a.mp4", files.film((540, 960), 6)))
    kept = studio.kept()
    studio.desk.catalog.archive(Creative, made["creative_id"], NOW)
    assert swept(studio, 400) == 0
    assert studio.kept() == kept


def test_a_file_that_was_replaced_stays_for_those_who_still_show_it(studio: Studio) -> None:
    made = handed_in(studio)
    other = uploaded(studio.program(), "b.png", files.encoded("PNG", seed=5))
    old = made["assets"][0]["sha256"]

    def changed(one: Creative) -> Creative:
        return Creative(
            one.creative_id, one.line_item_id, one.format, one.landing_url,
            assets=tuple(type(one.assets[0])(
                "image", one.assets[0].url, 540, 960, "image/png", 1, other
            ) for _ in range(1)),
        )  # fmt: skip

    studio.desk.catalog.edit(Creative, made["creative_id"], changed, NOW)
    assert swept(studio, 80) == 0
    assert swept(studio, 91) == 1
    assert not any(old in name for name in studio.kept())
    assert any(other in name for name in studio.kept())


def test_a_stray_without_a_row_goes_too(studio: Studio) -> None:
    uploaded(studio.program(), "a.png", files.encoded("PNG"))
    stray = studio.media / "ab" / f"{'ab' * 32}.png"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left by a crash")
    assert swept(studio, 0) == 0
    old = (NOW - timedelta(days=2)).timestamp()
    os.utime(stray, (old, old))
    assert swept(studio, 0) == 1
    assert len(studio.kept()) == 2
