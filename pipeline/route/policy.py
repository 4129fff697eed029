"""The routing policy as validated data; every mistake is named with its line and the remedy."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import ConfigurationError
from pipeline.route.calendar import Calendar
from pipeline.taxonomy import Taxonomy, load_taxonomy


class Condition(BaseModel):
    """A closed set of conditions; all that are given must hold, any value of a list will do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    violations: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    urgency: tuple[str, ...] = ()
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    places: tuple[str, ...] = ()
    actor_types: tuple[str, ...] = ()
    actor_roles: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    victims: Literal["children", "counted"] | None = None
    words_at_least: int | None = Field(default=None, ge=1)
    abstained: bool | None = None
    language_unknown: bool | None = None
    no_violation: bool | None = None


class Rule(BaseModel):
    """Where a report goes, and at least how urgent it is there: `urgency_at_least` lifts the item, never the decision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    queue: str
    when: Condition
    reason: str | None = None
    urgency_at_least: str | None = None


class Queue(BaseModel):
    """An accountability queue. `exclusive` takes its reports out of every queue that is not restricted.

    `hours` says how its due times are counted; what is critical is always due in plain hours. A queue with more than
    `open_limit` items open is pointed out; reports still arrive in it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")
    name: str
    purpose: str
    restricted: bool = False
    exclusive: bool = False
    destinations: tuple[str, ...] = ("folder",)
    hours: Literal["plain", "business"] = "plain"
    open_limit: int | None = Field(default=None, ge=1)

    def over_limit(self, count: int) -> bool:
        return self.open_limit is not None and count > self.open_limit


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    fallback: str
    second_review: float = Field(default=0.0, ge=0, le=1)
    calendar: Calendar = Calendar()
    queue: tuple[Queue, ...]
    rule: tuple[Rule, ...]


@dataclass(frozen=True)
class Policy:
    """Queues and rules. `fallback` takes a report that no rule took.

    `second_review` is the share (0 to 1) of decided reports that a second person reviews without seeing the first's word.
    """

    version: str
    fallback: str
    queues: tuple[Queue, ...]
    rules: tuple[Rule, ...]
    calendar: Calendar = field(default_factory=Calendar)
    second_review: float = 0.0

    def queue(self, ident: str) -> Queue:
        return next(queue for queue in self.queues if queue.id == ident)

    def due(self, ident: str, urgency: str, start: datetime, *, taxonomy: Taxonomy) -> datetime:
        """By when the queue answers, in its hours; what is critical waits for no office to open."""
        span = taxonomy.urgency(urgency).respond_within
        if self.queue(ident).hours == "business" and urgency != taxonomy.urgency_ids[0]:
            return self.calendar.due(start, span)
        return start + span

    def circle(self, ident: str) -> frozenset[str]:
        """The queues whose words on a report are read together: a restricted one by itself, else all that are not."""
        if self.queue(ident).restricted:
            return frozenset({ident})
        return frozenset(queue.id for queue in self.queues if not queue.restricted)


def load_policy(path: Path | None = None, *, taxonomy: Taxonomy | None = None) -> Policy:
    """The policy at `path`, or the one that ships with Sitrep; ConfigurationError where anything is off."""
    source = path or files("pipeline.route").joinpath("policy.toml")
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8: save it so in your editor") from error
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read: correct `policy` in sitrep.toml; `sitrep init NEW` makes a new one to copy"
        ) from error
    try:
        document = _Document.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{source}: {error}") from error
    except ValidationError as error:
        # A misspelt key may also be missed under its right name: the misspelling is what to look for.
        first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{source}:{_line(text, first['loc'])}: {place}: {first['msg']}") from error
    policy = Policy(
        document.version, document.fallback, document.queue, document.rule, document.calendar, document.second_review
    )
    _check(policy, text, str(source), taxonomy or load_taxonomy())
    return policy


def _check(policy: Policy, text: str, source: str, taxonomy: Taxonomy) -> None:
    """Names that a rule uses must exist: a misspelt one would never fire, and nobody would know."""
    queues = [queue.id for queue in policy.queues]

    def refuse(loc: tuple[str | int, ...], message: str) -> None:
        raise ConfigurationError(f"{source}:{_line(text, loc)}: {message}")

    for number, ident in enumerate(queues):
        if ident in queues[:number]:
            refuse(("queue", number, "id"), f"the queue {ident!r} stands twice")
    for number, queue in enumerate(policy.queues):
        if queue.exclusive and not queue.restricted:
            refuse(
                ("queue", number, "restricted"), f"{queue.id} is exclusive: it would take its reports from itself too"
            )
    if policy.fallback not in queues:
        refuse(("fallback",), f"fallback: there is no queue {policy.fallback!r}")
    if policy.queue(policy.fallback).restricted:
        refuse(("fallback",), "fallback: the queue is restricted, so that ordinary reports would vanish in it")
    known: dict[str, Any] = {
        "violations": taxonomy.violation_ids,
        "uncertain": taxonomy.violation_ids,
        "urgency": taxonomy.urgency_ids,
        "actor_types": tuple(taxonomy.actor_types),
        "actor_roles": tuple(taxonomy.actor_roles),
    }
    for number, rule in enumerate(policy.rules):
        if rule.queue not in queues:
            refuse(("rule", number, "queue"), f"there is no queue {rule.queue!r}; queues: {', '.join(queues)}")
        if rule.when == Condition():
            refuse(("rule", number, "when"), "a rule without a condition: name the fallback queue instead")
        if rule.urgency_at_least not in (None, *taxonomy.urgency_ids):
            levels = ", ".join(taxonomy.urgency_ids)
            refuse(("rule", number, "urgency_at_least"), f"{rule.urgency_at_least!r} is none of {levels}")
        for key, names in known.items():
            for value in getattr(rule.when, key):
                if value not in names:
                    refuse(("rule", number, "when", key), f"{key}: {value!r} is none of {', '.join(names)}")


def _line(text: str, loc: tuple[str | int, ...]) -> int:
    """The line of a key, found from its path such as ('rule', 3, 'when', 'urgency')."""
    lines = text.splitlines()
    start = 0
    if len(loc) >= 2 and isinstance(loc[1], int):
        headers = [n for n, line in enumerate(lines) if line.strip() == f"[[{loc[0]}]]"]
        start = headers[loc[1]] if loc[1] < len(headers) else 0
    names = [part for part in loc if isinstance(part, str)]
    for number in range(start, len(lines)):
        if number > start and lines[number].startswith("[["):
            break
        if any(re.search(rf"\b{re.escape(name)}\b\s*=", lines[number]) for name in names[-2:]):
            return number + 1
    return start + 1
