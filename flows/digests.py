"""Digests of a workspace. They are read by many: what only restricted queues hold is not in them."""

from __future__ import annotations

from datetime import datetime

from flows.workspace import Workspace
from pipeline.access import Access, access_of
from pipeline.digest import Digest, gather
from pipeline.taxonomy import load_taxonomy


def everybody(opened: Workspace) -> Access:
    """What everybody may see who reviews."""
    return access_of("everybody", "reviewer", frozenset(), policy=opened.policy, taxonomy=load_taxonomy())


def digest_of(opened: Workspace, *, since: datetime, until: datetime) -> Digest:
    """The digest of a span of time."""
    access = everybody(opened)
    with opened.store.read() as connection:
        return gather(connection, since=since, until=until, queues=access.queues, hidden=access.hidden_types)
