"""docs/sdk.md, line by line: every shell block is run, and answers what the block after it says."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models.domain.marketplace import Marketplace
from models.domain.placement import Format
from tests.adserver.api.running import Worker, running, settings_in
from tests.builders import marketplace, placement

PAGE = Path(__file__).parents[3] / "docs" / "sdk.md"
SHELL_THEN_HTTP = re.compile(r"```sh\n(.*?)```\n\n```http\n(.*?)```", re.DOTALL)


def steps() -> list[tuple[str, list[str]]]:
    """Shell blocks with the lines that must be in their output."""
    return [(shell, told.splitlines()) for shell, told in SHELL_THEN_HTTP.findall(PAGE.read_text())]


def market() -> Marketplace:
    """One ad for pl1, none for pl_empty."""
    empty = placement(placement_id="pl_empty", format=Format.NATIVE)
    return replace(marketplace(), placements=(placement(), empty))


@pytest.fixture
def worker(tmp_path: Path, redis_embedded_url: str) -> Iterator[Worker]:
    with running(settings_in(tmp_path, redis_embedded_url), market()) as started:
        yield started


def test_every_shell_block_of_the_guide_answers_as_it_says(worker: Worker, tmp_path: Path) -> None:
    keyring = worker.serving.keyring
    environment = {
        "PATH": os.environ["PATH"],
        "URL": f"http://127.0.0.1:{worker.port}",
        "APP_KEY": worker.key("app1"),
        "ADVERTISER_KEY": keyring.api_key("advertiser", "adv1", 1),
        "ADVERTISER_SECRET": keyring.signing_secret("advertiser", "adv1", 1),
    }
    said = [shell for shell, _ in steps()]
    script = "set -eu\n" + "\necho; echo '=== next'\n".join(said)
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = done.stdout.replace("\r", "").split("=== next\n")
    assert len(answers) == len(said)
    for (shell, told), answer in zip(steps(), answers, strict=True):
        for line in told:
            assert line in answer.splitlines(), f"{shell}\nanswered\n{answer}"


def test_no_shell_block_goes_without_its_answer() -> None:
    assert PAGE.read_text().count("```sh\n") == len(steps())
