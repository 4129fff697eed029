"""The project as a package: what a wheel holds, what a command imports, what the documents say."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from flows.cli import app

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and installed in a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(folder / "site"),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    return folder / "site"


def test_the_wheel_runs_outside_the_checkout(site: Path, tmp_path: Path) -> None:
    script = (
        "import pipeline, sys; assert pipeline.__file__.startswith(sys.argv[1]), pipeline.__file__\n"
        "from flows.cli import app\n"
        "from typer.testing import CliRunner\n"
        "run = lambda *a: CliRunner().invoke(app, list(a))\n"
        "assert run('init', 'desk').exit_code == 0\n"
        "open('r.jsonl', 'w').write('{\"text\": \"Gunmen abducted two teachers near Goma on Friday.\"}')\n"
        "result = run('run', 'r.jsonl', '--direct', '-w', 'desk')\n"
        "assert result.exit_code == 0, result.output\n"
        "import corpora; assert corpora.load('authored')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(site)], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("command", [["--help"], ["queues", "--help"]])
def test_commands_start_without_heavy_libraries(command: list[str]) -> None:
    script = (
        "import sys\nfrom typer.testing import CliRunner\nfrom flows.cli import app\n"
        f"CliRunner().invoke(app, {command!r})\n"
        "heavy = 'torch prefect transformers datasets spacy pandas openvino sqlalchemy pydantic_settings'.split()\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_reports_does_without_torch_and_transformers() -> None:
    script = (
        "import sys, models\n"
        "models.load(device='cpu').read(['Soldiers came.'])\n"
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        assert re.search(rf"\bsitrep {name}\b", readme), name


def said(text: str) -> Iterator[str]:
    """The command lines of Sitrep in a document: in its blocks of code, and between backticks."""
    blocks = [line for block in re.findall(r"```\w*\n(.*?)```", text, re.S) for line in block.splitlines()]
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.S))]
    for line in (*blocks, *spans):
        for part in re.split(r"&&|\||;", line):
            if part.strip().startswith("sitrep "):
                yield re.sub(r"\s#\s.*", "", part.strip())


def what_is_wrong(line: str) -> str | None:
    """The first word of a command line that Sitrep has no command or option for."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in command.commands:
            return name
        command = command.commands[name]
    options = {"--help", "-"} | {option for parameter in command.params for option in parameter.opts}
    return next((word for word in words if word.startswith("-") and word not in options), None)


DOCUMENTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("corpora/*.md"),
    *ROOT.glob("models/shipped/*/*.md"),
]


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d.name != "CHANGELOG.md"], ids=lambda d: d.name)
def test_every_command_in_a_document_is_one(document: Path) -> None:
    wrong = {line: word for line in said(document.read_text(encoding="utf-8")) if (word := what_is_wrong(line))}
    assert wrong == {}


def test_every_command_has_an_example_that_is_one() -> None:
    def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        for part, inner in getattr(command, "commands", {}).items():
            yield from commands(inner, f"{name} {part}")
        if not hasattr(command, "commands"):
            yield name, command

    for name, command in commands(typer.main.get_command(app), "sitrep"):
        (example,) = re.findall(r"\[bold\](.*)\[/bold\]", command.epilog)
        lines = list(said(f"`{example}`"))
        assert any(line.startswith(name) for line in lines), name
        assert [what_is_wrong(line) for line in lines] == [None] * len(lines), name


def test_every_reason_code_is_documented() -> None:
    from pipeline.intake.rows import Reason

    documented = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"`{reason}`" not in documented] == []


def test_the_pins_that_hold_each_other_are_kept() -> None:
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8").casefold()
    assert re.search(r"^sqlalchemy==2\.0\.", locked, re.M)
    assert int(re.search(r"^fastapi==0\.(\d+)\.", locked, re.M).group(1)) < 151  # type: ignore[union-attr]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "torch==2.13.0" in project["dependencies"]
