"""The taxonomy as loaded data: violations, urgency levels, actor types and roles.

>>> taxonomy = load_taxonomy()
>>> taxonomy.violations[0].id, taxonomy.urgencies[0].respond_within
('unlawful_killing', datetime.timedelta(seconds=14400))
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError

_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$")


@dataclass(frozen=True)
class Violation:
    """A type of violation. `restricted` ones are never shown to the staff of the mission concerned."""

    id: str
    name: str
    definition: str
    sources: tuple[str, ...] = ()
    grave_violation_against_children: bool = False
    restricted: bool = False


@dataclass(frozen=True)
class Urgency:
    """A level of urgency with the service level of the queue items that carry it."""

    id: str
    definition: str
    respond_within: timedelta


@dataclass(frozen=True)
class Taxonomy:
    """Closed vocabularies. `urgencies` are ordinal, highest first."""

    version: str
    violations: tuple[Violation, ...]
    urgencies: tuple[Urgency, ...]
    actor_types: dict[str, str]
    actor_roles: dict[str, str]

    @cached_property
    def violation_ids(self) -> tuple[str, ...]:
        return tuple(v.id for v in self.violations)

    @cached_property
    def urgency_ids(self) -> tuple[str, ...]:
        return tuple(u.id for u in self.urgencies)

    def violation(self, ident: str) -> Violation:
        return next(v for v in self.violations if v.id == ident)

    def urgency(self, ident: str) -> Urgency:
        return next(u for u in self.urgencies if u.id == ident)


def parse_duration(value: str) -> timedelta:
    """An ISO 8601 duration of days, hours and minutes (`PT4H`, `P7D`)."""
    match = _DURATION.match(value)
    if not match or not any(match.groups()):
        raise ConfigurationError(f"{value!r} is not a duration such as PT4H or P7D")
    days, hours, minutes = (int(group or 0) for group in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """The taxonomy at `path`, or the one that ships with Sitrep. Unknown or missing keys are errors."""
    source = path or files("pipeline").joinpath("taxonomy.toml")
    try:
        data: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
        return Taxonomy(
            version=data["version"],
            violations=tuple(Violation(**{**v, "sources": tuple(v.get("sources", ()))}) for v in data["violation"]),
            urgencies=tuple(
                Urgency(u["id"], u["definition"], parse_duration(u["respond_within"])) for u in data["urgency"]
            ),
            actor_types=data["actor_types"],
            actor_roles=data["actor_roles"],
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{source}: not a valid taxonomy: {error}") from error
