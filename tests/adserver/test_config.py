"""Settings: read once, typed, and a typing mistake is an error."""

from pathlib import Path

import pytest

from adserver.config import SettingError, Settings, from_environment


def test_an_empty_environment_gives_the_defaults() -> None:
    assert from_environment({"PATH": "/bin"}) == Settings()


def test_each_value_is_read_as_its_type() -> None:
    settings = from_environment({"ADUNION_PORT": "9000", "ADUNION_DATA_DIR": "d", "OTHER": "1"})
    assert (settings.port, settings.data_dir) == (9000, Path("d"))


def test_an_unknown_name_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match="ADUNION_PROT is not a setting"):
        from_environment({"ADUNION_PROT": "9000"})


def test_settings_of_the_tests_are_left_to_the_tests() -> None:
    assert from_environment({"ADUNION_TEST_REDIS_URL": "redis://x"}) == Settings()


@pytest.mark.parametrize("text", ["many", "1.5", "-1", ""])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="ADUNION_PORT="):
        from_environment({"ADUNION_PORT": text})


@pytest.mark.parametrize("name", ["", "Mars/Base", "../../etc/passwd", "/etc/localtime"])
def test_a_time_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match="ADUNION_TIME_ZONE="):
        from_environment({"ADUNION_TIME_ZONE": name})


def test_a_redis_of_another_protocol_is_refused() -> None:
    with pytest.raises(SettingError, match="ADUNION_REDIS_URL begins with redis://"):
        from_environment({"ADUNION_REDIS_URL": "http://cache:6379"})


def test_beacons_begin_with_the_public_address() -> None:
    assert Settings(public_url="https://ads.example/").base_url == "https://ads.example"
    assert Settings(host="127.0.0.1", port=81).base_url == "http://127.0.0.1:81"
