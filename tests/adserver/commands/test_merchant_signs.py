"""The example that `adunion merchant key` prints reports an order when pasted into a shell."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from adserver.__main__ import main
from adserver.api.signing import signature_fault
from adserver.commands.merchants import signing_example
from adserver.config import Settings
from tests.adserver.api.running import running, settings_in
from tests.adserver.console.running import running_console
from tests.builders import small_marketplace
from tests.engines import free_port

HEADING = "How an order is reported, signed with the secret:"


def pasted(script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)


def adunion(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, prog_name="adunion")
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def settings(short_dir: Path, redis_embedded_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A house of its own, in which commands run too."""
    settings = settings_in(short_dir, redis_embedded_url, console_port=free_port())
    for name in ("data_dir", "secret_key", "token_keys"):
        monkeypatch.setenv(f"ADUNION_{name.upper()}", str(getattr(settings, name)))
    return settings


def test_the_printed_example_is_taken_by_a_real_worker(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    adunion("merchant", "add", "--id", "shop", "--name", "S", "--home-url", "https://s.example")
    with running_console(settings), running(settings, small_marketplace()) as worker:
        monkeypatch.setenv("ADUNION_PUBLIC_URL", f"http://127.0.0.1:{worker.port}")
        script = adunion("merchant", "key", "shop").partition(HEADING)[2]
        first, again = pasted(script), pasted(script.replace("secret=", "secret=x"))
    assert json.loads(first.stdout)["results"] == [
        {"order_id": "A-1", "line_id": "1", "version": 1, "status": 200, "verdict": "accepted",
         "reason": ""}
    ], first.stderr  # fmt: skip
    assert json.loads(again.stdout)["status"] == 401


def test_openssl_signs_what_we_verify() -> None:
    script = signing_example("shop.1.tag", "the secret's", "CNY", "http://127.0.0.1:9")
    said = script.replace("curl -sS", 'printf \'%s\\n\' "$t" "$v1" "$body"; true')
    timestamp, tag, body = pasted(said).stdout.split("\n", 2)
    header = f"t={timestamp},v1={tag}"
    now_s = datetime.now(UTC).timestamp()
    assert signature_fault(header, "the secret's", body[:-1].encode(), now_s) == ""
    assert json.loads(body)["orders"][0]["currency"] == "CNY"
