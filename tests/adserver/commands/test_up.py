"""`adunion up` and `adunion serve` as processes: restarts, signals, clear words."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.engines import free_port

LIMIT_S = 90.0
Process = subprocess.Popen[bytes]
CATALOG = Path(__file__).parents[3] / "docs" / "examples" / "catalog.yaml"


@pytest.fixture
def environment(short_dir: Path) -> dict[str, str]:
    plain = {name: text for name, text in os.environ.items() if not name.startswith("ADUNION_")}
    return plain | {
        "ADUNION_DATA_DIR": str(short_dir / "var"),
        "ADUNION_PORT": str(free_port()),
        "ADUNION_CONSOLE_PORT": str(free_port()),
    }


def adunion(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "adserver", *arguments]


@contextmanager
def started(
    environment: dict[str, str], log: Path, *arguments: str
) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            adunion(*arguments), env=environment, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(so: Callable[[], object], log: Path) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not so():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def status(environment: dict[str, str], path: str) -> int:
    url = f"http://127.0.0.1:{environment['ADUNION_PORT']}{path}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code
    except URLError:
        return 0


def children(parent: int) -> list[int]:
    told = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in told.stdout.split()]


def running_serve(parent: int) -> list[int]:
    return [pid for pid in children(parent) if "serve" in command_line(pid).split("\0")]


def command_line(pid: int) -> str:
    """Empty when the process has just gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_up_runs_everything_restarts_what_dies_and_stops_it_all(
    environment: dict[str, str], short_dir: Path
) -> None:
    log = short_dir / "up.log"
    with started(environment, log, "up") as up:
        until(lambda: "catalog import" in log.read_text(), log)
        imported = subprocess.run(
            adunion("catalog", "import", str(CATALOG)),
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert imported.returncode == 0, imported.stderr
        until(lambda: "ask for a test ad" in log.read_text(), log)
        shown = log.read_text().partition("curl")[2]
        done = subprocess.run(
            ["bash", "-c", "curl" + shown.partition("}'")[0] + "}'"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "200 OK" in done.stdout, done.stdout + done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["request_id"] == "first"
        (worker,) = running_serve(up.pid)
        os.kill(worker, signal.SIGKILL)
        until(lambda: running_serve(up.pid) not in ([worker], []), log)
        until(lambda: status(environment, "/readyz") == 200, log)
        left = children(up.pid)
        up.send_signal(signal.SIGINT)
        assert up.wait(LIMIT_S) == 0
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), log)
    assert status(environment, "/healthz") == 0
    redis = subprocess.run(
        ["pgrep", "-f", environment["ADUNION_DATA_DIR"]], capture_output=True, check=False
    )
    assert redis.stdout == b"", "the embedded Redis is still there"


def test_a_killed_up_takes_its_children_along(environment: dict[str, str], short_dir: Path) -> None:
    log = short_dir / "up.log"
    with started(environment, log, "up") as up:
        until(lambda: status(environment, "/healthz") == 200, log)
        left = children(up.pid)
        assert len(left) >= 2
        up.kill()
        up.wait()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), log)


def test_serve_stops_cleanly_on_sigterm_and_refuses_to_run_twice(
    environment: dict[str, str], short_dir: Path
) -> None:
    log = short_dir / "serve.log"
    with started(environment, log, "serve") as worker:
        until(lambda: status(environment, "/healthz") == 200, log)
        assert status(environment, "/readyz") == 503
        second = subprocess.run(
            adunion("serve", "--port", str(free_port())),
            env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S,
        )  # fmt: skip
        assert second.returncode == 1
        assert "w0" in second.stderr
        assert "Traceback" not in second.stderr
        taken = subprocess.run(
            adunion("serve", "--worker-id", "w1"),
            env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S,
        )  # fmt: skip
        assert taken.returncode == 1
        assert "address already in use" in taken.stderr
        assert "Traceback" not in taken.stderr
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(LIMIT_S) == 0
    assert "Traceback" not in log.read_text()
