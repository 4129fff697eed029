"""The order of the network's outputs. It follows the taxonomy; the manifest of trained weights repeats it."""

from __future__ import annotations

from pipeline.taxonomy import load_taxonomy

_taxonomy = load_taxonomy()

VIOLATIONS = _taxonomy.violation_ids
URGENCIES = _taxonomy.urgency_ids[::-1]  # lowest first: the ordinal heads ask "at least this?"
ACTOR_TYPES = tuple(_taxonomy.actor_types)
ACTOR_ROLES = tuple(_taxonomy.actor_roles)
TAGS = ("O", "B-P", "I-P", "B-A", "I-A", "B-D", "I-D")
