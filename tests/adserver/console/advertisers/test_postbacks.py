"""The postback page: keys, an example that works in a shell, a test that is really sent."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adserver.api.signing import signature_fault
from adserver.config import Settings
from adserver.console.advertisers import postbacks
from adserver.console.buyer_desk import own
from tests.adserver.api.running import Worker, running
from tests.adserver.console.advertisers.house import House, market, settled
from tests.engines import free_port


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, redis_embedded_url: str) -> Iterator[Worker]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"), redis_url=redis_embedded_url, port=free_port()
    )
    with running(settings, market()) as started:
        yield started


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with settled(tmp_path, port=free_port()) as made:
        yield made


def keys_at(house: House, port: int, worker: Worker | None = None) -> postbacks.Keys:
    """Keys for a worker's port, of the worker's own secrets where one is given."""
    advertiser = own(house.desk, house.call()).advertiser
    ring = worker.serving.keyring if worker else house.desk.keyring
    return postbacks.Keys(
        f"http://127.0.0.1:{port}/v1/conversions",
        ring.api_key("advertiser", advertiser.advertiser_id, 1),
        ring.signing_secret("advertiser", advertiser.advertiser_id, 1),
        1,
    )


def test_a_test_postback_is_really_sent_signed_and_answered(house: House, worker: Worker) -> None:
    tried = postbacks.send_test(keys_at(house, worker.port, worker), datetime.now(UTC))
    assert (tried.status, tried.ok) == (200, True)
    result = json.loads(tried.answer)["results"][0]
    assert result == {
        "conversion_id": json.loads(tried.sent)["conversions"][0]["conversion_id"],
        "counted": False,
        "reason": "bad_signature",
    }


def test_old_keys_are_said_to_be_refused(house: House, worker: Worker) -> None:
    foreign = keys_at(house, worker.port)  # of another house's secrets
    tried = postbacks.send_test(foreign, datetime.now(UTC))
    assert (tried.status, tried.ok) == (401, False)
    assert "not accepted" in tried.verdict


def test_an_ad_server_that_is_away_is_said_to_be(house: House) -> None:
    tried = postbacks.send_test(postbacks.keys_of(house.desk, own(house.desk, house.call())
                                                  .advertiser), datetime.now(UTC))  # fmt: skip
    assert (tried.status, tried.ok) == (0, False)
    assert "did not answer" in tried.verdict


def test_keys_are_masked_and_rotating_changes_both(house: House) -> None:
    advertiser = own(house.desk, house.call()).advertiser
    old = postbacks.keys_of(house.desk, advertiser)
    assert old.key not in old.masked
    assert old.secret not in old.masked_secret
    assert old.masked.endswith(old.key[-4:])
    changed = postbacks.rotate(house.desk, house.call(), advertiser)
    new = postbacks.keys_of(house.desk, changed)
    assert (new.generation, new.key == old.key, new.secret == old.secret) == (2, False, False)


def test_the_example_hides_the_keys_until_they_are_shown(house: House) -> None:
    keys = postbacks.keys_of(house.desk, own(house.desk, house.call()).advertiser)
    hidden = postbacks.example(keys, "CNY", shown=False)
    assert keys.key not in hidden
    assert keys.secret not in hidden
    shown = postbacks.example(keys, "CNY", shown=True)
    assert keys.key in shown
    assert keys.secret in shown


def test_the_example_signs_as_the_ad_server_expects(house: House) -> None:
    keys = postbacks.keys_of(house.desk, own(house.desk, house.call()).advertiser)
    script = postbacks.example(keys, "CNY", shown=True).partition("curl")[0]
    shell = f'{script}\nprintf "%s\\n%s\\n%s" "$T" "$V1" "$BODY"'
    said = subprocess.run(["bash", "-c", shell], capture_output=True, check=True).stdout
    at, tag, body = said.split(b"\n", 2)
    header = f"t={at.decode()},v1={tag.decode()}"
    assert signature_fault(header, keys.secret, body, float(at)) == ""
    told = json.loads(body)["conversions"][0]
    assert (told["conversion_id"], told["value_minor"]) == ("order-1001", 12900)
