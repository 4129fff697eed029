"""The commands as monitors and operators use them."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas
import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from flows import progress
from flows.cli import app, main
from flows.commands.nightly import told
from flows.workspace import open_workspace, operator
from pipeline.errors import SitrepError, StoreError
from pipeline.store import open_store
from pipeline.store.migrate import downgrade
from pipeline.store.schema import audit_event, batch, report
from pipeline.tables import results_table

REPORTS = """id,report_date,country,text
A1,2025-02-14,NG,"bandits just carry 11 of our people for Kankara road. they call, say pay before tmrw nite or they kill. pls help"
A2,2025-02-14,ML,"On 13 February armed men entered Bankass, Mali, and shot seven farmers at the well before burning the granaries."
A3,2025-02-10,ML,"The Human Rights Office held a two-day training in Gao on the prohibition of torture for forty officers."
A4,2025-02-31,ML,"Two herders were beaten at the checkpoint."
A5,2025-02-14,ML,"Des hommes armés ont attaqué le village hier soir et ont enlevé deux enseignants de l'école primaire."
A1,2025-02-14,NG,"Bandits just carry 11 of our people for Kankara road -- they call, say pay before tmrw nite or they kill. Pls help"
"""
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    open_workspace.cache_clear()
    workspace = tmp_path / "desk"
    runner = CliRunner()

    def running(*arguments: str, code: int | None = 0, stdin: str | None = None) -> Result:
        given = [*arguments] if arguments[0] == "init" else [*arguments, "--workspace", str(workspace)]
        result = runner.invoke(app, given, input=stdin)
        if code is not None:
            assert result.exit_code == code, result.output + repr(result.exception)
        return result

    running("init", str(workspace))
    (tmp_path / "reports.csv").write_text(REPORTS, encoding="utf-8")
    return running


def test_ids_and_names_that_look_like_markup_are_printed_as_they_are(run: Run) -> None:
    run("run", "-", "--direct", stdin='id,text\n[/red],"Armed men shot seven farmers at the well in Bankass."\n')
    assert "[/red]" in run("queues", "--items").output
    run("people", "add", "b.keita", "--role", "reviewer", "--name", "Keita [UN]")
    assert "Keita [UN]" in run("people", "list").output


def test_who_submitted_goes_on_record(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "a.okoye")
    run("submit", str(tmp_path / "reports.csv"), code=1)
    with open_workspace(tmp_path / "desk").store.read() as connection:
        assert connection.scalars(select(batch.c.submitted_by)).all() == ["a.okoye"]
        assert connection.scalars(select(audit_event.c.actor).where(audit_event.c.action == "submit")).all() == [
            "a.okoye"
        ]


def test_a_user_without_a_name_goes_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)
    assert operator() == "uid-3999999999"


def test_a_store_that_fails_while_the_bar_looks_is_told_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()

    def fail(self: object) -> int:
        looked.set()
        raise StoreError("the disk is full")

    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LOOKS", 0.001)
    bar = progress.Bar(open_workspace(tmp_path / "desk").store, "triaging")
    monkeypatch.setattr(progress.Bar, "_waiting", fail)
    assert looked.wait(10)
    bar.stop()
    bar._watcher.join(10)  # an exception in a thread is an error of the test
    assert not bar._watcher.is_alive()


@pytest.mark.parametrize(
    "arguments",
    [["export", "results", "--out", "/proc/results.csv"], ["audit", "key", "/proc/audit.pem", "--name", "desk"],
     ["backup", "/proc/backup"], ["init", "/proc/desk"], ["policy", "test", "/proc/self/exe"]],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_a_file_that_cannot_be_written_or_read_is_one_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setenv("SITREP_WORKSPACE", str(tmp_path / "desk"))
    monkeypatch.setattr(sys, "argv", ["sitrep", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "/proc/" in capsys.readouterr().err


def test_what_cannot_be_read_is_set_aside_and_the_rest_taken_in(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    unreadable = "/proc/self/mem"  # a file that opens and cannot be read, even by root
    told = run("submit", str(tmp_path / "gone.txt"), unreadable, str(tmp_path / "reports.csv"), "--json", code=1)
    receipt = json.loads(told.stdout)
    assert receipt["received"] == 8
    assert {"symbolic_link", "unknown_format"} <= {row["reason"] for row in receipt["quarantine"]}


def test_the_main_job_from_a_spreadsheet_to_results(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "results.jsonl"
    run("run", str(tmp_path / "reports.csv"), "--direct", "--out", str(out), code=1)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["A1", "A2", "A3", "A4", "A5", "A1"]
    by_id = {line["id"]: line for line in lines[:5]}
    assert by_id["A1"]["urgency"]["id"] == "critical"
    assert "enforced_disappearance" in {v["id"] for v in by_id["A1"]["violations"] if v["decided"]}
    assert "protection-response" in {q["queue"] for q in by_id["A1"]["queues"]}
    assert len(by_id["A2"]["violations"]) == 16
    assert {p["iso2"] for p in by_id["A2"]["places"]} == {"ML"}
    assert by_id["A2"]["dates"][0]["iso"] == "2025-02-13"
    assert [q["queue"] for q in by_id["A3"]["queues"]] == ["archive"]
    assert by_id["A4"]["quarantined"]["reason"] == "bad_date"
    assert by_id["A5"]["abstained"] == ["language"]
    assert [q["queue"] for q in by_id["A5"]["queues"]] == ["manual-review"]
    assert lines[5]["duplicate_of"] == by_id["A1"]["report"]


def test_a_table_without_a_known_column_ends_with_what_to_write(run: Run, tmp_path: Path) -> None:
    (tmp_path / "field.csv").write_text("Ref,Narrative\nB1,Soldiers burnt ten houses in Rann.\n", encoding="utf-8")
    said = run("run", str(tmp_path / "field.csv"), "--direct", code=1).stdout
    assert "--map text=Narrative" in " ".join(said.split())
    assert "protection-response" not in said


def test_the_receipt_adds_up(run: Run, tmp_path: Path) -> None:
    receipt = json.loads(run("submit", str(tmp_path / "reports.csv"), "--json", code=1).stdout)
    assert receipt["received"] == 6 == receipt["accepted"] + receipt["duplicates"] + receipt["quarantined"]
    assert receipt["quarantine"][0]["reason"] == "bad_date"


def test_the_same_file_again_is_all_duplicates(run: Run, tmp_path: Path) -> None:
    run("submit", str(tmp_path / "reports.csv"), code=1)
    again = json.loads(run("submit", str(tmp_path / "reports.csv"), "--json", code=1).stdout)
    assert (again["accepted"], again["duplicates"], again["quarantined"]) == (0, 5, 1)


def test_standard_input_is_taken(run: Run) -> None:
    receipt = json.loads(run("submit", "-", "--json", stdin='{"text": "Soldiers burnt ten houses in Rann."}\n').stdout)
    assert receipt["accepted"] == 1


def test_standard_input_can_be_sampled(run: Run) -> None:
    sampled = run("run", "-", "--sample", "1", "--json", stdin='{"text": "Soldiers burnt ten houses in Rann."}\n')
    assert json.loads(sampled.stdout)["sample"]["accepted"] == 1


def test_a_file_name_that_is_no_text_is_taken(run: Run, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.txt")
    path.write_text("Soldiers burnt ten houses in Rann.")
    assert json.loads(run("submit", str(path), "--json").stdout)["accepted"] == 1


def test_queues_status_show_and_deliver(run: Run, tmp_path: Path) -> None:
    run("run", str(tmp_path / "reports.csv"), "--direct", code=1)
    queues = {q["queue"]: q["open"] for q in json.loads(run("queues", "--json").stdout)}
    assert queues["protection-response"] == 1
    items = json.loads(run("queues", "--items", "--json").stdout)
    assert items[0]["external_id"] == "A1"
    status = json.loads(run("status", "--json").stdout)
    assert status["pending"] == 0
    assert status["deliveries"]["owed"] == len(items)
    shown = run("show", "A2").stdout
    assert "Bankass" in shown
    assert "investigations" in shown
    sent = json.loads(run("deliver", "--json").stdout)
    assert (sent["sent"], sent["owed"]) == (len(items), 0)
    files = list((tmp_path / "desk" / "outbox").rglob("*.jsonl"))
    delivered = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(delivered) == len(items)
    assert all([q["queue"] for q in d["queues"]] == [d["queue"]] for d in delivered)
    assert json.loads(run("deliver", "--json").stdout)["sent"] == 0


def test_many_rows_that_were_set_aside_are_told_in_part_on_the_terminal_and_whole_in_json(run: Run) -> None:
    rows = "id,text\n" + "".join(f"{n},\n" for n in range(25))
    shown = run("submit", "-", stdin=rows, code=1).stdout
    assert "stdin.csv:2, 3, 4" in " ".join(shown.split())
    assert "17 more" in shown
    assert "to mend and submit again" in shown
    again = json.loads(run("submit", "-", "--json", stdin=rows, code=1).stdout)
    assert [row["line"] for row in again["quarantine"]] == list(range(1, 26))


def test_quarantined_rows_are_mended_and_submitted_again(run: Run, tmp_path: Path) -> None:
    run("submit", str(tmp_path / "reports.csv"), code=1)
    mend = tmp_path / "mend.jsonl"
    run("export", "quarantine", "--out", str(mend))
    row = json.loads(mend.read_text(encoding="utf-8"))
    assert row["_quarantined"]["reason"] == "bad_date"
    mend.write_text(json.dumps({**row, "report_date": "2025-02-13"}), encoding="utf-8")
    receipt = json.loads(run("submit", str(mend), "--json").stdout)
    assert receipt["accepted"] == 1


def test_quarantined_rows_are_mended_in_a_workbook(run: Run, tmp_path: Path) -> None:
    run("submit", str(tmp_path / "reports.csv"), code=1)
    mend = tmp_path / "mend.xlsx"
    run("export", "quarantine", "--out", str(mend))
    book = openpyxl.load_workbook(mend)
    header, cells = book.active.rows
    row = dict(zip((cell.value for cell in header), cells, strict=True))
    assert list(row)[:4] == ["id", "report_date", "country", "text"]
    assert (row["id"].value, row["_quarantined_reason"].value) == ("A4", "bad_date")
    row["report_date"].value = "2025-02-13"
    book.save(mend)
    receipt = json.loads(run("submit", str(mend), "--json").stdout)
    assert (receipt["accepted"], receipt["quarantined"]) == (1, 0)
    with open_store("sqlite:///sitrep.db", base=tmp_path / "desk").read() as connection:
        metadata = connection.execute(select(report.c.metadata).where(report.c.external_id == "A4")).scalar_one()
    assert not any("quarantined" in name for name in metadata)


def test_what_to_do_next_is_said_of_rows_and_of_whole_files(run: Run, tmp_path: Path) -> None:
    told = run("submit", str(tmp_path / "reports.csv"), code=1).output
    assert "sitrep export quarantine --batch" in told
    told = run("submit", "-", code=1, stdin="ref,narrative\n1,They came at night and burnt the granaries.\n").output
    assert "--map text=narrative" in " ".join(told.split())
    assert "export quarantine" not in told
    assert "say how to read them" in told


def test_results_are_exported_as_tables_without_live_formulas(run: Run, tmp_path: Path) -> None:
    reports = tmp_path / "r.jsonl"
    reports.write_text('{"id": "=1+1", "text": "Soldiers burnt ten houses in Rann yesterday."}', encoding="utf-8")
    run("run", str(reports), "--direct")
    run("export", "results", "--out", str(tmp_path / "r.csv"))
    assert "'=1+1," in (tmp_path / "r.csv").read_text(encoding="utf-8-sig")
    run("export", "results", "--out", str(tmp_path / "r.parquet"))
    assert pandas.read_parquet(tmp_path / "r.parquet")["outcome"].tolist() == ["triaged"]


@pytest.mark.parametrize(("what", "name"), [("results", "r.xlsx"), ("quarantine", "q.ods"), ("geojson", "g.parquet")])
def test_no_export_is_called_a_table_that_it_is_not(what: str, name: str, run: Run, tmp_path: Path) -> None:
    result = run("export", what, "--out", str(tmp_path / name), code=None)
    assert "is written as" in str(result.exception)
    assert not (tmp_path / name).exists()


def test_a_sample_stores_nothing(run: Run, tmp_path: Path) -> None:
    load = json.loads(run("run", str(tmp_path / "reports.csv"), "--sample", "3", "--json").stdout)
    assert load["sample"]["received"] == 3
    assert json.loads(run("status", "--json").stdout)["batches"] == []


def test_doctor_finds_a_new_workspace_well(run: Run) -> None:
    checks = {c["check"]: c["state"] for c in json.loads(run("doctor", "--json").stdout)}
    assert "broken" not in checks.values()
    assert {"store", "model", "policy", "prefect", "disk", "clock"} <= set(checks)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("submit", "nowhere.csv"), "no such file"),
        (("show", "r000"), "no report r000"),
        (("status", "none"), "no batch none"),
    ],
)
def test_mistakes_are_one_sentence(run: Run, arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments, code=None)
    assert isinstance(result.exception, SitrepError)
    assert words in str(result.exception)


def test_init_refuses_to_overwrite(run: Run, tmp_path: Path) -> None:
    result = run("init", str(tmp_path / "desk"), code=None)
    assert "there already" in str(result.exception)


def test_unknown_queue_and_mapping_are_usage_errors(run: Run, tmp_path: Path) -> None:
    assert run("queues", "--queue", "attic", code=2).exit_code == 2
    assert run("submit", str(tmp_path / "reports.csv"), "--map", "text", code=2).exit_code == 2
    assert run("submit", str(tmp_path / "reports.csv"), "--map", "date=report_date", code=2).exit_code == 2
    assert run("export", "everything", code=2).exit_code == 2


def test_reports_with_the_same_id_of_the_submitter_are_told_apart(run: Run) -> None:
    twice = "id,source,text\nM1,north,Soldiers burnt ten houses in Rann.\nM1,south,Police beat two men at the market of Gao.\n"
    run("run", "-", "--direct", stdin=twice)
    ids = {item["report_id"] for item in json.loads(run("queues", "--items", "--json").stdout)}
    told = str(run("show", "M1", code=None).exception)
    assert len(ids) == 2
    assert all(ident in told for ident in ids)
    shown = "".join(run("show", ident).stdout for ident in ids)
    assert "source north" in shown
    assert "source south" in shown


def test_what_people_said_stands_beside_the_model_in_a_table() -> None:
    said = {"by": "b.keita", "at": "2025-02-15T08:00:00Z", "violations": ["sexual_violence"], "urgency": "high"}
    triaged = {
        "id": "A1", "report": "r1", "batch": "b", "report_date": None, "language": "en", "urgency": {"id": "low"},
        "violations": [], "places": [], "actors": [{"text": "armed\nmen", "canonical": None}], "abstained": [], "queues": [],
        "flags": ["ambiguous_date"], "model": "m", "policy": "1",
    }  # fmt: skip
    table = results_table([{**triaged, "reviewed": said}, triaged]).fillna("")
    assert [*table["urgency"]] == ["low", "low"]
    assert [*table["reviewed_urgency"]] == ["high", ""]
    assert [*table["reviewed_violations"]] == ["sexual_violence", ""]
    assert {*table["flags"]} == {"ambiguous_date"}
    assert {*table["actors"]} == {"armed men"}
    assert "b.keita" not in table.to_csv()


def test_moments_are_written_alike_in_all_that_programs_read(run: Run, tmp_path: Path) -> None:
    run("run", str(tmp_path / "reports.csv"), "--direct", code=1)
    item, *_ = json.loads(run("queues", "--items", "--json").stdout)
    result = json.loads(run("show", item["report_id"], "--json").stdout)["result"]
    assert item["due"] in {queue["due"] for queue in result["queues"]}


def test_a_reason_may_be_given_under_either_name(run: Run) -> None:
    run("queue", "pause", "archive", "--why", "no people today")
    run("queue", "resume", "archive")
    assert isinstance(run("erase", "r0", "--reason", "request 1", code=None).exception, SitrepError)


def test_reports_without_a_date_are_told_where_a_column_may_hold_it(run: Run) -> None:
    table = "text,Date of incident\nSoldiers burnt ten houses in Rann.,2025-02-13\n"
    told = " ".join(run("submit", "-", stdin=table).stdout.split())
    assert "1 of 1 accepted without a report date" in told
    assert '--map report_date="Date of incident"' in told
    assert (
        "report_date="
        not in run("submit", "-", "--map", "report_date=Date of incident", stdin=table + "x,2025-02-13\n").stdout
    )
    assert "report date" not in run("submit", "-", stdin="text,place\nSoldiers beat two men.,Rann\n").stdout


def test_dates_that_could_be_two_are_told(run: Run) -> None:
    table = "text,date\nSoldiers burnt ten houses in Rann.,03/04/2025\nPolice beat two men in Gao.,13/04/2025\n"
    assert "1 report date could be two" in " ".join(run("submit", "-", stdin=table).stdout.split())
    assert "could be two" not in run("submit", "-", stdin="text,date\nArmed men came to Gao.,13/04/2025\n").stdout


def test_lists_that_are_cut_say_so(run: Run) -> None:
    for words in ("Soldiers burnt ten houses in Rann.", "Police beat two men at the market of Gao."):
        run("submit", "-", stdin=f"text\n{words}\n")
    assert "--limit shows more" in run("status", "--limit", "1").stdout
    assert "--limit shows more" not in run("status").stdout
    run("run", "--direct")
    assert "--limit shows more" in run("queues", "--items", "--limit", "1").stdout
    assert "--limit shows more" not in run("queues", "--items").stdout


def test_one_report_is_told_in_the_singular(run: Run) -> None:
    assert "1 waits for triage" in run("submit", "-", stdin="text\nSoldiers burnt ten houses in Rann.\n").stdout
    assert "1 report waits for triage" in run("status").stdout
    run("submit", "-", stdin="text\nSoldiers burnt ten houses in Rann.\n")
    run("run", "--direct")
    items = json.loads(run("queues", "--items", "--json").stdout)
    assert "Submitted again 1 time:" in run("show", items[0]["report_id"]).stdout


def test_a_night_tells_all_that_makes_it_end_with_an_error() -> None:
    counts = {"night": "2025-02-14", "already_done": False, "batches": 1, "received": 3, "triaged": 2, "sent": 4}
    wrong = {"quarantined": 1, "failed": 2, "owed": 3, "dead": 4, "mailbox_failed": 1, "chain_intact": False}
    first, *others = told({**counts, **wrong})
    assert "3 received in 1 batch, 2 triaged, 4 sent" in first
    assert len(others) == len(wrong)
    assert "audit chain is broken" in others[-1]
    assert len(list(told({**counts, "chain_intact": True}))) == 1
    assert "waits for the next night" in "".join(told({**counts, "already_done": True}))


def test_every_command_has_help_with_an_example() -> None:
    for command in app.registered_commands:
        assert command.epilog is not None
        assert "sitrep " in command.epilog


def test_a_store_of_an_older_version_is_backed_up_and_upgraded(run: Run, tmp_path: Path) -> None:
    run("run", str(tmp_path / "reports.csv"), "--direct", code=1)
    downgrade(open_store("sqlite:///sitrep.db", base=tmp_path / "desk"), revision="0001")
    open_workspace.cache_clear()
    refused = run("queues", code=None).exception
    assert isinstance(refused, StoreError)
    assert "older version (0001)" in str(refused)
    run("backup", str(tmp_path / "copy"))
    run("upgrade")
    open_workspace.cache_clear()
    assert json.loads(run("status", "--json").stdout)["batches"]
