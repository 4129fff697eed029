"""What `deploy/` starts exists: units, image and compose file call commands and pages that Sitrep has."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from flows.cli import app
from pipeline.review.health import router

DEPLOY = Path("deploy")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def commands() -> dict[str, list[str]]:
    """Every command line after `sitrep`, by where it stands."""
    found = {}
    for unit in DEPLOY.glob("*.service"):
        (line,) = re.findall(r"^ExecStart=\S+/sitrep (.+)$", unit.read_text("utf-8"), re.MULTILINE)
        found[unit.name] = shlex.split(line)
    (line,) = re.findall(r"^CMD (\[.+\])$", (DEPLOY / "Containerfile").read_text("utf-8"), re.MULTILINE)
    found["Containerfile"] = json.loads(line)
    for name, service in COMPOSE["services"].items():
        if service["image"] == "sitrep" and "entrypoint" not in service:
            found[f"compose: {name}"] = service["command"]
    said = re.findall(r"--rm review (.+)$", (DEPLOY / "compose.yaml").read_text("utf-8"), re.MULTILINE)
    return found | {f"compose: {line}": shlex.split(line) for line in said}


@pytest.mark.parametrize("where", commands())
def test_commands_are_ours(where: str) -> None:
    group, arguments = typer.main.get_command(app), commands()[where]
    context = group.make_context("sitrep", list(arguments), resilient_parsing=False)
    name, command, rest = group.resolve_command(context, arguments)  # type: ignore[attr-defined]
    while hasattr(command, "resolve_command"):
        inner = command.make_context(name, list(rest), parent=context)
        name, command, rest = command.resolve_command(inner, rest)
    assert command.make_context(name, list(rest), parent=context).command is command


def test_health_checks_ask_for_pages_that_are_there() -> None:
    asked = [path for service in COMPOSE["services"].values() for path in re.findall(r":8321(/[\w/]+)", str(service))]
    assert asked
    assert set(asked) <= {route.path for route in router.routes}  # type: ignore[attr-defined]


def test_services_wait_for_services_that_are_there_and_healthy() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        for name in service.get("depends_on", {}):
            assert "healthcheck" in services[name]
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= set(COMPOSE["volumes"])


def test_no_secret_is_written_down() -> None:
    words = (DEPLOY / "compose.yaml").read_text("utf-8")
    assert set(re.findall(r"PASSWORD: (.+)", words)) == {"${SITREP_DB_PASSWORD:?a password for the database}"}
