"""A night through the real flow: once, twice, and by its schedule."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.nightly import collect_task, night_of
from flows.workspace import init_workspace, open_workspace, utc_now
from pipeline.store import audit

CANARY = "Aminatou Sekele"
REPORTS = (
    "id,report_date,country,text\n"
    f'A1,2025-02-14,NG,"Armed men abducted {CANARY} and ten others on the road to Kankara and ask for money."\n'
    'A2,2025-02-10,ML,"The office held a training in Gao on the prohibition of torture for forty officers."\n'
    "A3,2025-02-10,ML,\n"
)


def once(desk: Path, home: Path) -> dict[str, object]:
    environment = {
        **os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }  # fmt: skip
    environment.pop("PREFECT_API_URL", None)
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "nightly", "--once", "--json", "-w", str(desk)],
        capture_output=True, text=True, env=environment, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr[-3000:]
    assert CANARY not in done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def nights(
    prefect_home: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, object], dict[str, object]]:
    """A workspace with a dropped file, after two runs of its night that began together; what each said, the first first."""
    folder = tmp_path_factory.mktemp("night")
    desk = folder / "desk"
    init_workspace(desk)
    settings = desk / "sitrep.toml"
    settings.write_text('backups = "backups"\n' + settings.read_text())
    (desk / "drop").mkdir()
    (desk / "drop" / "week.csv").write_text(REPORTS, encoding="utf-8")
    (desk / "drop" / "still-copying.csv.part").write_text("id,te", encoding="utf-8")
    homes = [prefect_home(folder), prefect_home(tmp_path_factory.mktemp("other"))]
    with ThreadPoolExecutor(2) as pool:
        first, second = sorted(
            pool.map(lambda home: once(desk, home), homes), key=lambda said: bool(said["already_done"])
        )
    return desk, first, second


def test_a_night_takes_in_triages_delivers_and_tidies_up(
    nights: tuple[Path, dict[str, object], dict[str, object]],
) -> None:
    desk, first, _ = nights
    assert (first["batches"], first["received"], first["quarantined"], first["triaged"]) == (1, 3, 1, 2)
    assert first["sent"]
    assert [p.name for p in (desk / "drop").glob("*.csv*")] == ["still-copying.csv.part"]
    (moved,) = (desk / "drop" / "done").rglob("*.csv")
    assert moved.read_text(encoding="utf-8") == REPORTS
    assert (desk / "backups" / str(first["night"]) / "backup.json").is_file()


def test_the_digest_stands_alone_and_names_nobody(nights: tuple[Path, dict[str, object], dict[str, object]]) -> None:
    desk, first, _ = nights
    page = (desk / "digests" / f"{first['night']}.html").read_text(encoding="utf-8")
    assert "Enforced disappearance" in page or "enforced disappearance" in page
    assert CANARY not in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_night_that_was_finished_is_not_run_again(nights: tuple[Path, dict[str, object], dict[str, object]]) -> None:
    desk, first, second = nights
    assert second["already_done"]
    assert second["triaged"] == first["triaged"]
    with open_workspace(desk).store.read() as connection:
        assert audit.verify(connection).broken_at is None


def test_a_night_is_named_in_the_operators_time_zone() -> None:
    moment = utc_now().replace(year=2025, month=2, day=14, hour=23)
    assert (night_of(moment, zone="UTC"), night_of(moment, zone="Asia/Kabul")) == ("2025-02-14", "2025-02-15")


def test_a_dropped_file_of_the_longest_name_is_moved_away_once_it_was_taken_in(tmp_path: Path) -> None:
    init_workspace(tmp_path / "desk")
    dropped = tmp_path / "desk" / "drop" / ("é" * 124 + ".jsonl")
    dropped.parent.mkdir(exist_ok=True)
    dropped.write_text(json.dumps({"text": ""}), encoding="utf-8")
    assert collect_task.fn(str(tmp_path / "desk"), "2025-02-14")["batches"] == 1
    (moved,) = (tmp_path / "desk" / "drop" / "done").rglob("*.jsonl")
    assert "ééé.jsonl" in moved.name
    assert not dropped.exists()


def test_say_what_to_do(tmp_path: Path) -> None:
    init_workspace(tmp_path / "desk")
    assert CliRunner().invoke(app, ["nightly", "-w", str(tmp_path / "desk")]).exit_code == 2
