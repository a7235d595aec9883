"""Archives: what they say of themselves is not believed, and no name of theirs becomes a path."""

import struct
import zipfile
from pathlib import Path

import pytest

from adserver.media import checking, limits
from adserver.media.verdict import Reason, Refused, Unpacked
from tests.adserver.media import made_files as files


def unpacked(content: bytes, tmp_path: Path) -> Unpacked | Refused:
    source, into = tmp_path / "source.zip", tmp_path / "into"
    source.write_bytes(content)
    into.mkdir(exist_ok=True)
    return checking.unpacked(source, into)


def reason(content: bytes, tmp_path: Path) -> Reason:
    found = unpacked(content, tmp_path)
    assert isinstance(found, Refused), found
    return found.reason


def test_files_come_out_under_numbers_in_their_order(tmp_path: Path) -> None:
    content = files.archive({"b/x.png": b"one", "a.csv": b"two", "春天.jpg": b"three"})
    assert unpacked(content, tmp_path) == Unpacked(("b/x.png", "a.csv", "春天.jpg"))
    assert [(tmp_path / "into" / name).read_bytes() for name in "012"] == [b"one", b"two", b"three"]


def test_folders_and_what_systems_add_are_left_out(tmp_path: Path) -> None:
    content = files.archive({"a/": b"", "__MACOSX/a.png": b"x", "a/.DS_Store": b"x", "a/b": b"y"})
    assert unpacked(content, tmp_path) == Unpacked(("a/b",))


@pytest.mark.parametrize(
    "name",
    ["../a.png", "a/../../b.png", "/etc/passwd", "..\\a.png", "C:\\a.png", "a\x07.png",
     "a\u202egnp.exe", "x" * 300, "file:///a.png"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_or_cannot_be_shown_is_refused(
    name: str, tmp_path: Path
) -> None:
    assert reason(files.archive({name: b"x"}), tmp_path) is Reason.ZIP_NAME
    assert sorted(path.name for path in tmp_path.iterdir()) == ["into", "source.zip"]


def test_a_link_is_refused(tmp_path: Path) -> None:
    assert reason(files.zip_with_link(), tmp_path) is Reason.ZIP_LINK


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    assert reason(files.archive({"a.png": b"x", "A.PNG": b"y"}), tmp_path) is Reason.ZIP_TWICE


@pytest.mark.parametrize("count", [0, limits.MOST_ZIP_FILES + 1, 5_000])
def test_no_files_or_too_many_are_refused(count: int, tmp_path: Path) -> None:
    assert reason(files.zip_of_many(count), tmp_path) is Reason.ZIP_FILES


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_is(tmp_path: Path) -> None:
    assert reason(files.zip_bomb(), tmp_path) is Reason.TOO_MANY_BYTES
    found = reason(files.lying_zip(), tmp_path)
    assert found in {Reason.ZIP_BYTES, Reason.ZIP_BROKEN}
    many = files.archive({f"{i}.png": bytes(20_000_000) for i in range(6)})
    assert reason(many, tmp_path) is Reason.ZIP_BYTES
    written = sum(path.stat().st_size for path in (tmp_path / "into").glob("[0-9]*"))
    assert written <= limits.MOST_ZIP_BYTES


def test_a_directory_that_says_it_is_endless_is_refused_unread(tmp_path: Path) -> None:
    content = bytearray(files.archive({"a.png": b"x"}))
    at = content.rindex(b"PK\x05\x06")
    struct.pack_into("<HHI", content, at + 8, 0xFFFF, 0xFFFF, 0xFFFFFFFF)
    assert reason(bytes(content), tmp_path) is Reason.ZIP_FILES


def test_a_password_and_a_strange_method_are_refused(tmp_path: Path) -> None:
    locked = bytearray(files.archive({"a.png": b"x"}))
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert reason(bytes(locked), tmp_path) is Reason.ZIP_ENCRYPTED
    packed = files.archive({"a.png": b"x"}, zipfile.ZIP_LZMA)
    assert reason(packed, tmp_path) is Reason.ZIP_METHOD


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_half_an_archive_is_refused(share: float, tmp_path: Path) -> None:
    content = files.archive({"a.png": files.encoded("PNG")})
    assert reason(content[: int(len(content) * share)], tmp_path) is Reason.ZIP_BROKEN


def test_damaged_content_is_refused(tmp_path: Path) -> None:
    content = bytearray(files.archive({"a.png": files.encoded("PNG")}))
    content[200:240] = bytes(40)
    assert reason(bytes(content), tmp_path) is Reason.ZIP_BROKEN
