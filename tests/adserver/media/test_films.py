"""Films: wrapped anew with their pictures and sound and nothing else, or refused with a reason."""

import io
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from adserver.media.verdict import Cleaned, Reason, Refused
from tests.adserver.media import made_files as files
from tests.adserver.media.looking import looked_at, made, reason

SECRET = "secret words 4711"


def test_a_film_keeps_its_pictures_and_sound_and_loses_its_words(tmp_path: Path) -> None:
    said = {"title": SECRET, "comment": SECRET, "location": "+39.9+116.4/"}
    content = files.film(sound="aac", said=said)
    assert SECRET.encode() in content
    found = made("a.mp4", content, tmp_path)
    assert (found.accepted.w, found.accepted.h, found.accepted.frames) == (360, 640, 10)
    assert found.accepted.duration_ms == 1_000
    assert Cleaned.WORDS in found.accepted.cleaned
    assert SECRET.encode() not in found.clean
    assert b"x264" not in found.clean  # what the encoder told of itself inside the pictures
    with av.open(io.BytesIO(found.clean)) as film:
        assert [stream.type for stream in film.streams] == ["video", "audio"]
        assert sum(1 for _ in film.decode(video=0)) == 10


def test_a_film_has_a_poster_and_a_thumbnail(tmp_path: Path) -> None:
    found = made("a.m4v", files.film(), tmp_path)
    assert Image.open(io.BytesIO(found.poster)).size == (360, 640)
    assert Image.open(io.BytesIO(found.thumbnail)).size == (270, 480)
    assert found.accepted.look


def test_the_index_stands_first_so_that_phones_begin_at_once(tmp_path: Path) -> None:
    clean = made("a.mp4", files.film(), tmp_path).clean
    assert 0 < clean.index(b"moov") < clean.index(b"mdat")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"codec": "mpeg4"}, Reason.VIDEO_CODEC),
        ({"pixels": "yuv444p"}, Reason.VIDEO_CODEC),
        ({"sound": "mp3"}, Reason.AUDIO_CODEC),
        ({"rate": 120}, Reason.FRAME_RATE),
        ({"container": "mov"}, Reason.QUICKTIME),
        ({"size": (64, 64)}, Reason.TOO_FEW_PIXELS),
        ({"size": (2000, 120)}, Reason.TOO_MANY_PIXELS),
    ],
)
def test_what_phones_do_not_play_is_refused(
    wanted: dict[str, Any], why: Reason, tmp_path: Path
) -> None:
    assert reason("a.mp4", files.film(**wanted), tmp_path) is why


def test_a_film_of_more_than_a_minute_is_refused(tmp_path: Path) -> None:
    assert reason("a.mp4", files.film((160, 120), 70, rate=2), tmp_path) is Reason.TOO_LONG


def test_a_film_that_lies_about_its_length_is_measured(tmp_path: Path) -> None:
    content = files.film((160, 120), 70, rate=2)
    with av.open(io.BytesIO(content)) as film:
        ticks = film.streams.video[0].duration
        seconds = film.duration
    assert ticks is not None
    assert seconds is not None
    for known in (ticks, seconds // 1000):
        content = content.replace(known.to_bytes(4, "big"), (1000).to_bytes(4, "big"))
    found = looked_at("a.mp4", content, tmp_path)
    assert isinstance(found, Refused)
    assert found.reason in {Reason.TOO_LONG, Reason.BROKEN}


def test_sound_without_pictures_is_no_film(tmp_path: Path) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream: Any = out.add_stream("aac", rate=44_100)
        files._write_silence(out, stream, 1)
    assert reason("a.mp4", file.getvalue(), tmp_path) is Reason.NO_PICTURES


def test_several_tracks_are_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        streams: list[Any] = [out.add_stream("libx264", rate=10) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(5):
            frame = av.VideoFrame.from_image(files.picture((160, 120), number))
            for stream in streams:
                out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode())
    assert reason("a.mp4", file.getvalue(), tmp_path) is Reason.STREAMS


def test_a_film_that_ends_early_is_refused(tmp_path: Path) -> None:
    content = files.film(seconds=3)
    for share in (0.05, 0.5, 0.99):
        cut = content[: int(len(content) * share)]
        assert reason("a.mp4", cut, tmp_path) is Reason.BROKEN
    first = made("a.mp4", content, tmp_path).clean  # its index stands first
    assert reason("a.mp4", first[: len(first) // 2], tmp_path) is Reason.BROKEN


def test_a_page_or_an_archive_in_a_film_is_refused(tmp_path: Path) -> None:
    content = files.film()
    free = (8 + len(files.SCRIPT)).to_bytes(4, "big") + b"free" + files.SCRIPT
    assert reason("a.mp4", content + free, tmp_path) is Reason.TWO_THINGS
    packed = content + files.archive({"evil.js": b"alert(1)"})
    assert reason("a.mp4", packed, tmp_path) is Reason.TWO_THINGS


def test_what_follows_the_last_box_is_cut_off(tmp_path: Path) -> None:
    found = made("a.mp4", files.film() + SECRET.encode() * 40, tmp_path)
    assert Cleaned.TRAILING in found.accepted.cleaned
    assert SECRET.encode() not in found.clean


def test_boxes_that_say_nonsense_are_refused(tmp_path: Path) -> None:
    head = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41"
    huge = b"\xff\xff\xff\xffmoov" + bytes(100)
    nested = b"".join(b"\x00\x00\x40\x00moov" for _ in range(2_000))
    index = b"\x00\x00\x00\x20moov\x00\x00\x00\x18trak\xff\xff\xff\xffstsz" + bytes(100)
    for body in (b"", huge, nested, index, bytes(5_000)):
        found = looked_at("a.mp4", head + body, tmp_path)
        assert isinstance(found, Refused)
