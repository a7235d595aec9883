"""The child that opens strangers' files: bounded in memory and time, told nothing, not believed."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from adserver.media import checking, limits
from adserver.media.verdict import Accepted, FileKind, Reason, Refused
from tests.adserver.media import made_files as files
from tests.adserver.media.looking import looked_at
from tests.adserver.media.memory import watched

MOST_ABOVE_IDLE = 200_000_000
HUNGRY: dict[str, Callable[[], bytes]] = {
    "largest.png": lambda: files.encoded("PNG", (2160, 3840)),
    "largest.jpg": lambda: files.encoded("JPEG", (2160, 3840)),
    "largest.webp": lambda: files.encoded("WEBP", (1440, 3200), lossless=True),
    "lossless.webp": lambda: files.encoded("WEBP", (1080, 1920), lossless=True),
    "alpha.webp": lambda: files.encoded("WEBP", (1440, 3200), mode="RGBA"),
    "cmyk.jpg": lambda: files.encoded("JPEG", (2160, 3840), mode="CMYK"),
    "long.gif": lambda: files.animation("GIF", 60, (960, 1000)),
    "long.webp": lambda: files.animation("WEBP", 60, (960, 1000)),
    "bomb.png": files.png_bomb,
    "bomb.gif": lambda: files.gif_of(10_000),
    "bomb.webp": files.webp_bomb,
    "large.mp4": lambda: files.film((1080, 1920), 2),
}


@pytest.mark.parametrize("name", HUNGRY)
def test_no_file_takes_two_hundred_megabytes(name: str, tmp_path: Path) -> None:
    content = HUNGRY[name]()
    with watched() as peak:
        found = looked_at(name, content, tmp_path)
    assert isinstance(found, Refused) is name.startswith("bomb")
    assert 1_000_000 < peak.above_idle < MOST_ABOVE_IDLE


def test_several_uploads_at_once_take_no_more_than_one(tmp_path: Path) -> None:
    content = files.encoded("PNG", (2160, 3840))
    with watched() as peak, ThreadPoolExecutor(4) as uploads:
        found = list(uploads.map(lambda _: looked_at("a.png", content, tmp_path), range(4)))
    assert [one for one in found if isinstance(one, Refused)] == []
    assert peak.above_idle < MOST_ABOVE_IDLE


@contextmanager
def stalled(tmp_path: Path) -> Iterator[tuple[Future[Accepted | Refused], int]]:
    """A look at a file that never comes: what it will answer, and the child's process id."""
    source, into = tmp_path / "source", tmp_path / "into"
    os.mkfifo(source)
    into.mkdir()
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(checking.remade, source, "a.png", into)
        yield answer, _child()


def _child() -> int:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        for stat in Path("/proc").glob("[0-9]*/cmdline"):
            if b"adserver.media.decoder" in stat.read_bytes():
                status = (stat.parent / "status").read_text()
                if f"PPid:\t{os.getpid()}\n" in status:
                    return int(stat.parent.name)
        time.sleep(0.01)
    raise AssertionError("no child came up")


def test_a_child_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WALL_S", 0.5)
    with stalled(tmp_path) as (answer, child):
        assert answer.result(10) == Refused(Reason.TOO_SLOW)
    assert not Path(f"/proc/{child}").exists()


def test_a_child_that_crashes_is_a_refusal_and_nothing_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with stalled(tmp_path) as (answer, child):
        os.kill(child, signal.SIGSEGV)
        assert answer.result(10) == Refused(Reason.BROKEN)
    assert "ended with -11" in caplog.text


def test_a_child_is_told_no_secret_and_has_its_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADUNION_SECRET_KEY", "not for children to know")
    with stalled(tmp_path) as (answer, child):
        told = Path(f"/proc/{child}/environ").read_bytes()
        most = str(limits.ADDRESS_SPACE_BYTES)
        for _ in range(200):
            limited = Path(f"/proc/{child}/limits").read_text()
            if most in limited:
                break
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
        answer.result(10)
    assert b"ADUNION" not in told
    assert f"Max address space         {most}" in limited
    assert "Max core file size        0" in limited


def test_only_a_few_may_wait(tmp_path: Path) -> None:
    with ExitStack() as places:
        for _ in range(checking.MOST_WAITING):
            places.enter_context(checking.a_place_in_the_queue())
        with pytest.raises(checking.BusyError), checking.a_place_in_the_queue():
            pass
    with checking.a_place_in_the_queue():
        assert not isinstance(looked_at("a.png", files.encoded("PNG"), tmp_path), Refused)


def test_what_a_child_says_is_held_against_limits(tmp_path: Path) -> None:
    good = Accepted(FileKind.PNG, 10, 10)
    for name in ("clean", "thumbnail"):
        (tmp_path / name).write_bytes(b"x")
    assert checking._measured(good, tmp_path) == good
    for lie in (
        Accepted(FileKind.PNG, 0, 10),
        Accepted(FileKind.PNG, 10, 10**9),
        Accepted(FileKind.PNG, 10, 10, look="<script>"),
        Accepted(FileKind.PNG, 10, 10, frames=-1),
        Accepted(FileKind.MP4, 10, 10),  # without a poster
    ):
        assert checking._measured(lie, tmp_path) == Refused(Reason.BROKEN)
    (tmp_path / "clean").unlink()
    (tmp_path / "clean").symlink_to("/etc/passwd")
    assert checking._measured(good, tmp_path) == Refused(Reason.BROKEN)


def test_a_chatterbox_is_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_bytes(b"[" * 10_000_000)
    (tmp_path / "complaints.txt").write_bytes(b"")
    assert checking._verdict(0, tmp_path) == Refused(Reason.BROKEN)
    assert threading.active_count() < 50
