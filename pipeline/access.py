"""Who may see what. A restricted queue is seen by those it was granted to, whatever their role.

Someone without the right to a queue cannot tell whether a report in it exists: every list, count, search and page goes
through `Access.queues`, and what may not be seen is answered as if it were not there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.route.policy import Policy
from pipeline.taxonomy import Taxonomy

Role = Literal["monitor", "reviewer", "supervisor", "administrator"]
ROLES: tuple[Role, ...] = ("monitor", "reviewer", "supervisor", "administrator")
REVIEWING: tuple[Role, ...] = ("reviewer", "supervisor", "administrator")


@dataclass(frozen=True)
class Access:
    """A person's rights: `queues` are all that they may see, `hidden_types` the violations that would tell of others."""

    person: str
    role: Role
    queues: frozenset[str]
    hidden_types: frozenset[str] = frozenset()

    @property
    def reviews(self) -> bool:
        return self.role in REVIEWING

    @property
    def supervises(self) -> bool:
        return self.role in ("supervisor", "administrator")

    @property
    def administers(self) -> bool:
        return self.role == "administrator"


def access_of(person: str, role: Role, granted: frozenset[str], *, policy: Policy, taxonomy: Taxonomy) -> Access:
    """The rights of a person with this role, to whom these restricted queues were granted.

    A monitor sees no queue. Types of violation that the taxonomy marks as restricted are hidden from people who see
    no restricted queue that a rule fills with them: such a type on a report would tell where else the report went.
    """
    if role not in REVIEWING:
        return Access(person, role, frozenset())
    queues = frozenset(q.id for q in policy.queues if not q.restricted or q.id in granted)
    filled = {
        violation
        for rule in policy.rules
        if rule.queue in queues and policy.queue(rule.queue).restricted
        for violation in (*rule.when.violations, *rule.when.uncertain)
    }
    hidden = frozenset(v.id for v in taxonomy.violations if v.restricted and v.id not in filled)
    return Access(person, role, queues, hidden)


def reader_of(queue: str, *, policy: Policy, taxonomy: Taxonomy) -> Access:
    """Whoever reads what a queue receives: they may see that queue and those that are not restricted."""
    granted = frozenset(q.id for q in policy.queues if q.id == queue and q.restricted)
    return access_of("", "reviewer", granted, policy=policy, taxonomy=taxonomy)


def told_to(access: Access, result: Mapping[str, Any], *, linked: Collection[str]) -> dict[str, Any]:
    """A result as somebody may read it: nothing of types that are hidden from them, of other queues, or of linked reports
    but those in `linked`, which they may see."""
    hidden = access.hidden_types
    return {
        **result,
        "violations": [v for v in result["violations"] if v["id"] not in hidden],
        "claim_status": {k: v for k, v in result["claim_status"].items() if k not in hidden},
        "abstained": [a for a in result["abstained"] if a not in hidden],
        "queues": [q for q in result["queues"] if q["queue"] in access.queues],
        "corroborates": [ident for ident in result["corroborates"] if ident in linked],
    }
