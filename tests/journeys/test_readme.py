"""The README's commands, run as they stand: the demo, and a marketplace of one's own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines import free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
FEW_REQUESTS = "3000"  # enough for every step of the demo, too few to learn much
LIMIT_S = 60.0


@pytest.fixture
def environment(short_dir: Path) -> dict[str, str]:
    plain = {name: text for name, text in os.environ.items() if not name.startswith("ADUNION_")}
    return plain | {
        "ADUNION_DATA_DIR": str(short_dir),
        "ADUNION_PORT": str(free_port()),
        "ADUNION_CONSOLE_PORT": str(free_port()),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


def until(holds: Callable[[], bool], words: Callable[[], str]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, words()
        time.sleep(0.2)


def test_the_readme_has_the_commands_that_are_run_here() -> None:
    assert BLOCKS[:2] == ["make demo\n", "make test\n"]
    assert len(BLOCKS) == 3


def test_make_demo_runs_the_demo() -> None:
    told = subprocess.run(
        ["make", "--dry-run", "demo", "ONCE=1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert any(line.endswith("-m adserver demo --once") for line in told.stdout.splitlines())


def test_the_demo_ends_with_books_that_agree(environment: dict[str, str], short_dir: Path) -> None:
    demo = subprocess.run(
        ["adunion", "demo", "--once", "--requests", FEW_REQUESTS],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert demo.returncode == 0, demo.stdout + demo.stderr
    report = json.loads((short_dir / "demo" / "report.json").read_text())
    assert report["holds"]
    assert len(report["checks"]) >= 5


def test_a_marketplace_of_ones_own_is_up_after_three_lines(
    environment: dict[str, str], short_dir: Path
) -> None:
    *lines, up = BLOCKS[2].splitlines()
    for line in lines:
        subprocess.run(line.split(), cwd=ROOT, env=environment, check=True)
    log = short_dir / "up.log"
    with log.open("w") as output:
        running = subprocess.Popen(
            up.split(), cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: "/v1/ads" in log.read_text(), log.read_text)
        asked = re.search(r"(curl .*?\})'", log.read_text().replace("\\\n", " "), re.DOTALL)
        assert asked, log.read_text()
        answer = subprocess.run(
            ["bash", "-c", asked[0]], capture_output=True, text=True, check=True
        ).stdout
        assert "200 OK" in answer.splitlines()[0], answer
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(LIMIT_S)
