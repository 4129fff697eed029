"""Settings: where a wrong value stands is said, and what the environment says holds for the desk that was named."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.settings import SETTINGS_FILE, load_settings


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / SETTINGS_FILE).write_text('time_zone = "Africa/Bamako"\n', encoding="utf-8")
    return tmp_path


def test_the_environment_wins_over_the_file(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITREP_TIME_ZONE", "Asia/Kabul")
    assert load_settings(desk).time_zone == "Asia/Kabul"


def test_the_folder_that_was_named_is_the_workspace_whatever_the_environment_says(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITREP_WORKSPACE", "/srv/another-desk")
    settings = load_settings(desk)
    assert settings.workspace == desk
    assert settings.path(settings.outbox) == desk / "outbox"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SITREP_THREADS", "many", "SITREP_THREADS in the environment: "),
        ("SITREP_TIME_ZONE", "Mars/Olympus", "SITREP_TIME_ZONE in the environment: a time zone by its name"),
        (
            "SITREP_WEBHOOKS",
            "https://example.org",
            "SITREP_WEBHOOKS in the environment: a table or a list is given as JSON",
        ),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not_repeated(
    desk: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings(desk)
    assert str(refused.value).startswith(said)
    assert value not in str(refused.value)


def test_a_wrong_value_in_the_file_is_named_with_the_file(desk: Path) -> None:
    (desk / SETTINGS_FILE).write_text("threads = 0\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"sitrep\.toml: threads: "):
        load_settings(desk)
