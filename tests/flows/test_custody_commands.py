"""`sitrep audit` from the key to a proof in an outsider's hands, and exports on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.exports import DOCUMENTS
from flows.nightly import retain_task
from flows.workspace import open_workspace, utc_now
from pipeline.custody.exports import file_hash
from pipeline.custody.holds import Held
from pipeline.errors import SitrepError
from pipeline.store import corrections, reports, tokens
from pipeline.store.schema import audit_event

Run = Callable[..., Result]
DESK = "desk.example.org"
WORDS = "Soldiers beat two traders in Gao, Mali, on 12 February 2025. One died."


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A desk with three rows: two triaged reports and one that was set aside."""
    open_workspace.cache_clear()
    runner = CliRunner()

    def running(*arguments: str, code: int = 0) -> Result:
        given = [*arguments]
        if arguments[0] != "init" and arguments[:2] != ("audit", "key") and arguments[0] != "pseudonym-key":
            given += ["--workspace", str(tmp_path / "desk")]
        result = runner.invoke(app, given)
        assert result.exit_code == code, result.output + repr(result.exception)
        return result

    running("init", str(tmp_path / "desk"))
    rows = [
        {"id": "A1", "text": WORDS},
        {"id": "A2", "text": "Police arrested four journalists in Mopti, Mali."},
        {"text": ""},
    ]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    running("run", str(tmp_path / "r.jsonl"), "--direct", code=1)
    return running


def sign(run: Run, tmp_path: Path) -> str:
    """Make a key, put it into the settings and sign; the verifier key."""
    made = run("audit", "key", str(tmp_path / "audit.pem"), "--name", DESK)
    settings = tmp_path / "desk" / "sitrep.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + made.stdout, encoding="utf-8")
    open_workspace.cache_clear()
    run("audit", "sign")
    (key,) = open_workspace(tmp_path / "desk").settings.audit.verifiers
    return key


def exports(folder: Path) -> list[tuple[str, dict[str, object]]]:
    with open_workspace(folder).store.read() as connection:
        rows = connection.execute(audit_event.select().where(audit_event.c.action == "exported"))
        return [(row.subject, row.body) for row in rows.all()]


def test_a_proof_goes_to_an_outsider(run: Run, tmp_path: Path) -> None:
    key = sign(run, tmp_path)
    run("deliver")
    run("export", "results", "--out", str(tmp_path / "results.jsonl"))
    run("audit", "proof", "A1", "--out", str(tmp_path / "proof.json"), "--contents")
    (tmp_path / "a1.txt").write_text(WORDS, encoding="utf-8")
    known = ("audit", "check", str(tmp_path / "proof.json"), "--key", key, "--text", str(tmp_path / "a1.txt"), "--json")
    checked = json.loads(run(*known).stdout)
    assert checked["holds"]
    assert [line.split(": ")[1].split()[0] for line in checked["said"][2:]][-1] == "exported"
    (tmp_path / "a1.txt").write_text(WORDS + "!", encoding="utf-8")
    assert "not the one" in json.loads(run(*known, code=1).stdout)["problem"]
    run("audit", "check", str(tmp_path / "r.jsonl"), "--key", key, code=1)


def test_a_chain_that_was_cut_off_is_told_from_the_heads(run: Run, tmp_path: Path) -> None:
    sign(run, tmp_path)
    assert json.loads(run("audit", "verify", "--json").stdout)["heads"] == 1
    assert DESK in run("audit", "head").stdout
    with open_workspace(tmp_path / "desk").store.write() as connection:
        connection.execute(text("DROP TRIGGER audit_event_no_delete"))
        connection.execute(text("DELETE FROM audit_event WHERE seq = (SELECT max(seq) FROM audit_event)"))
        connection.execute(
            text("UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM audit_event ORDER BY seq DESC)")
        )
    assert "cut off" in json.loads(run("audit", "verify", "--json", code=1).stdout)["problem"]


def test_without_a_head_there_is_no_proof(run: Run) -> None:
    result = run("audit", "proof", "A1", code=1)
    assert isinstance(result.exception, SitrepError)
    assert "sitrep audit sign" in str(result.exception)


def test_every_export_is_on_record_with_the_hash_of_its_file(run: Run, tmp_path: Path) -> None:
    for what in ("results", "corrections", "quarantine", *DOCUMENTS):
        out = tmp_path / f"{what}.jsonl"
        written = json.loads(run("export", what, "--out", str(out), "--json").stdout)["written"]
        subject, body = exports(tmp_path / "desk")[-1]
        assert (subject, body["file"], body["rows"]) == (what, file_hash(out), written)
        assert body["count"] == (0 if what in ("corrections", "quarantine") else 2)


def test_tables_and_the_results_of_a_run_are_on_record(run: Run, tmp_path: Path) -> None:
    run("export", "results", "--out", str(tmp_path / "results.csv"))
    run("run", "--direct", "--out", str(tmp_path / "again.jsonl"))
    assert [body["count"] for _, body in exports(tmp_path / "desk")] == [2, 2]


def test_an_export_that_fails_leaves_neither_file_nor_record(run: Run, tmp_path: Path) -> None:
    run("export", "results", "--batch", "none", "--out", str(tmp_path / "out.jsonl"), code=1)
    assert exports(tmp_path / "desk") == []
    assert not (tmp_path / "out.jsonl").exists()


def test_a_report_is_held_then_let_go_and_erased(run: Run, tmp_path: Path) -> None:
    sign(run, tmp_path)
    run("deliver")
    number = json.loads(run("hold", "place", "A1", "--why", "request 12 of the court", "--json").stdout)["hold"]
    (held,) = json.loads(run("hold", "list", "--json").stdout)
    assert (held["hold"], held["reason"]) == (number, "request 12 of the court")
    assert isinstance(run("erase", "A1", "--why", "request 7", code=1).exception, Held)
    assert "beat two traders" in run("show", "A1").stdout
    run("hold", "release", str(number))
    (done,) = json.loads(run("erase", "A1", "--why", "request 7", "--json").stdout)
    assert [copy["what"].split()[-1] for copy in done["copies"]] == ["folder"] * len(done["copies"])
    assert done["copies"]
    assert "erased" in run("show", done["erased"]).stdout
    assert b"two traders" not in (tmp_path / "desk" / "sitrep.db").read_bytes()
    run("audit", "verify")
    run("audit", "proof", done["erased"], "--out", str(tmp_path / "proof.json"))
    run("audit", "check", str(tmp_path / "proof.json"))


def test_all_are_erased_or_none(run: Run, tmp_path: Path) -> None:
    run("erase", "A1", "nobody", "--why", "request 7", code=1)
    assert "beat two traders" in run("show", "A1").stdout


def test_the_night_forgets_what_the_api_answered_a_month_ago(run: Run, tmp_path: Path) -> None:
    store, now = open_workspace(tmp_path / "desk").store, utc_now()
    with store.write() as connection:
        for key, days in (("old", 31), ("new", 29)):
            assert tokens.first_to_ask(connection, "ada", key, "claim", now=now - timedelta(days=days))
            tokens.keep_answer(connection, "ada", key, {"claimed": 1})
    retain_task.fn(str(tmp_path / "desk"))
    with store.read() as connection:
        kept = [tokens.answered(connection, "ada", key, "claim") for key in ("old", "new")]
    assert kept == [None, {"claimed": 1}]


def test_the_night_erases_what_is_too_old(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = tmp_path / "desk"
    assert retain_task.fn(str(desk)) == {"erased": 0}
    settings = desk / "sitrep.toml"
    settings.write_text("retention_days = 30\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    open_workspace.cache_clear()
    assert retain_task.fn(str(desk)) == {"erased": 0}
    monkeypatch.setattr("flows.nightly.utc_now", lambda: utc_now() + timedelta(days=31))
    assert retain_task.fn(str(desk)) == {"erased": 3}
    assert retain_task.fn(str(desk)) == {"erased": 0}
    assert b"two traders" not in (desk / "sitrep.db").read_bytes()


CANARIES = ("Zorvath", "Quellim", "zorvath", "76123456", "76 12 34 56", "umbrelith", "CASE-Nimbrax", "14.08231")
STORY = (
    "On 12 February 2025 soldiers beat Zorvath Quellim and two traders in Gao, Mali, near 14.08231, -3.52214. "
    "Zorvath can be reached at +223 76 12 34 56 or zorvath@umbrelith.example; UNICEF was told. Grace was beaten too."
)


@pytest.fixture
def hidden(run: Run, tmp_path: Path) -> Run:
    """Reports with persons in them, one of them reviewed, and one in a language that nobody reads."""
    rows = [
        {"id": "CASE-Nimbrax", "text": STORY, "witness": "Zorvath"},
        {
            "id": "A9",
            "text": "Des hommes arm\u00e9s ont enlev\u00e9 Zorvath Quellim hier soir pr\u00e8s du march\u00e9 du village.",
        },
    ]
    (tmp_path / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run("run", str(tmp_path / "more.jsonl"), "--direct")
    with open_workspace(tmp_path / "desk").store.write() as connection:
        seq, _ = reports.find(connection, "CASE-Nimbrax")
        at = STORY.index("Gao")
        spans = [{"start": at, "end": at + 3, "kind": "place"}, {"start": 42, "end": 49, "kind": "actor"}]
        corrections.add(
            connection, seq, reviewer="Zorvath", violations=[], urgency="high", note="Zorvath", assessment=None,
            now=utc_now(), spans=spans,
        )  # fmt: skip
    made = run("pseudonym-key", str(tmp_path / "pseudonyms.key"))
    settings = tmp_path / "desk" / "sitrep.toml"
    settings.write_text(made.stdout + settings.read_text(encoding="utf-8"), encoding="utf-8")
    open_workspace.cache_clear()
    return run


def test_a_pseudonymised_export_names_nobody(hidden: Run, tmp_path: Path) -> None:
    for name in ("results.jsonl", "results.csv", "corrections.jsonl", *DOCUMENTS):
        what, out = name.partition(".")[0], tmp_path / name
        hidden("export", what, "--out", str(out))
        assert "CASE-Nimbrax" in out.read_text(encoding="utf-8") or what in (
            "argilla",
            "label-studio",
            "geojson",
            "corrections",
        )
        done = json.loads(hidden("export", what, "--out", str(out), "--pseudonymise", "--json").stdout)
        written = out.read_text(encoding="utf-8")
        assert [canary for canary in CANARIES if canary in written] == [], name
        assert (done["written"], done["left_out"]) == ((1, 0) if what == "corrections" else (3, 1)), name
        (_, plain), (_, body) = exports(tmp_path / "desk")[-2:]
        assert (plain["pseudonymised"], body["pseudonymised"], body["file"]) == (False, True, file_hash(out))


def test_a_pseudonymised_text_still_says_what_happened(hidden: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    hidden("export", "argilla", "--out", str(out), "--pseudonymise")
    texts = [json.loads(line)["fields"]["text"] for line in out.read_text(encoding="utf-8").splitlines()]
    (story,) = [text for text in texts if "traders in Gao, Mali" in text and "[phone-" in text]
    assert story.startswith("On 12 February 2025 soldiers beat [name-")
    assert "UNICEF was told. [name-" in story


def test_without_a_key_nothing_is_pseudonymised(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = run("export", "results", "--out", str(out), "--pseudonymise", code=1)
    assert "sitrep pseudonym-key" in str(result.exception)
    assert not out.exists()


def test_quarantined_rows_are_not_pseudonymised(hidden: Run, tmp_path: Path) -> None:
    result = hidden("export", "quarantine", "--out", str(tmp_path / "out.jsonl"), "--pseudonymise", code=1)
    assert isinstance(result.exception, SitrepError)
