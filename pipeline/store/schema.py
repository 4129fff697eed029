"""The tables, but for those of accounts. Reports are immutable; assessments, corrections and audit events are only ever added.

`report.seq` orders and joins; `report.id` is the opaque public name, so that nobody can count
what they may not see. Times are UTC. What holds words is `Sealed`: encrypted where the store is, under the key `sealed_by`.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from pipeline.store import accounts as accounts  # its tables belong to the same metadata
from pipeline.store.columns import Instant as Instant
from pipeline.store.columns import Sequence as Sequence
from pipeline.store.columns import metadata as metadata
from pipeline.store.columns import sealed_by
from pipeline.store.sealed import Sealed

OPEN = "state <> 'closed'"
"""The condition of the indexes over items that are not closed; a query has to repeat it to the letter."""

batch = Table(
    "batch",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("source", Sealed("batch.source", row=("id",))),
    Column("submitted_at", Instant, nullable=False, index=True),
    Column("submitted_by", Text, index=True),
    Column("completed_at", Instant),
    sealed_by(),
)

report = Table(
    "report",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("id", String(24), nullable=False, unique=True),
    Column("batch", String(40), ForeignKey("batch.id"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("external_id", Sealed("report.external_id", row=("id",)), index=True),
    Column("external_key", String(32), index=True, comment="of a sealed external_id: what it is looked up by"),
    Column("sha256", Sealed("report.sha256", row=("id",)), nullable=False),
    Column("text", Sealed("report.text", row=("id",)), nullable=False),
    Column("report_date", Date, index=True),
    Column("source", Sealed("report.source", row=("id",))),
    Column("country", String(2)),
    Column("language", String(8)),
    Column("metadata", Sealed("report.metadata", row=("id",), kind="json"), nullable=False),
    Column("flags", JSON, nullable=False),
    Column("raw", Sealed("report.raw", row=("id",), kind="bytes")),
    Column("received_at", Instant, nullable=False, index=True),
    Column("normalised_sha256", String(64), nullable=False, index=True, comment="keyed where the row is sealed"),
    Column("normalised", Sealed("report.normalised", row=("id",)), comment="the hash itself, where the row is sealed"),
    Column("signature", Sealed("report.signature", row=("id",), kind="bytes")),
    sealed_by(),
    UniqueConstraint("batch", "line"),
)

# Accepted reports that wait for triage: a row leaves in the transaction that stores its assessment.
pending = Table(
    "pending",
    metadata,
    Column("report", Sequence, ForeignKey("report.seq"), primary_key=True, autoincrement=False),
    Column("begun", Integer, nullable=False, server_default="0", comment="times that a triage of it did not end"),
)

duplicate = Table(
    "duplicate",
    metadata,
    Column("batch", String(40), ForeignKey("batch.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("external_id", Sealed("duplicate.external_id", row=("batch", "line"))),
    Column("report", Sequence, ForeignKey("report.seq"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("similarity", Float, nullable=False),
    Column("content", Sealed("duplicate.content", row=("batch", "line"), kind="json"), nullable=False),
    sealed_by(),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("batch", String(40), ForeignKey("batch.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("locator", Sealed("quarantine.locator", row=("batch", "line")), nullable=False),
    Column("external_id", Sealed("quarantine.external_id", row=("batch", "line"))),
    Column("reason", String(40), nullable=False),
    Column("message", Text, nullable=False),
    Column("content", Sealed("quarantine.content", row=("batch", "line"), kind="json"), nullable=False),
    sealed_by(),
)

# Locality-sensitive hashing: reports that share a band are near-duplicate candidates.
band = Table(
    "band",
    metadata,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("report", Sequence, ForeignKey("report.seq"), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

corroboration = Table(
    "corroboration",
    metadata,
    Column("report", Sequence, ForeignKey("report.seq"), primary_key=True, autoincrement=False),
    Column("other", Sequence, ForeignKey("report.seq"), primary_key=True, autoincrement=False, index=True),
    Column("similarity", Float, nullable=False),
)

assessment = Table(
    "assessment",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("report", Sequence, ForeignKey("report.seq"), nullable=False),
    Column("model", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("taxonomy", Text, nullable=False),
    Column("urgency", String(16)),
    Column("body", Sealed("assessment.body", row=("report", "model", "policy"), kind="json"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
    sealed_by(),
    UniqueConstraint("report", "model", "policy"),
)

queue_item = Table(
    "queue_item",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("report", Sequence, ForeignKey("report.seq"), nullable=False, index=True),
    Column("queue", String(64), nullable=False),
    Column("assessment", Sequence, ForeignKey("assessment.seq"), nullable=False),
    Column("urgency", String(16), nullable=False),
    Column("rank", Integer, nullable=False, comment="0 is the most urgent level"),
    Column("reason", Text, nullable=False),
    Column("due", Instant, nullable=False),
    Column("state", String(16), nullable=False, server_default="open"),
    Column("assignee", Text),
    Column("lease_until", Instant),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("outcome", String(24)),
    Column("decided_by", Text),
    UniqueConstraint("report", "queue"),
    Index("ix_queue_item_work", "queue", "state", "rank", "due", "seq"),
    Index("ix_queue_item_overdue", "queue", "state", "due"),
    Index("ix_queue_item_open", "queue", "rank", "seq", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
    Index(
        "ix_queue_item_board",
        "queue",
        "urgency",
        "due",
        "created_at",
        sqlite_where=text(OPEN),
        postgresql_where=text(OPEN),
    ),
)

# What the items of a queue can be found by, in the order in which a queue is read: see `facets`.
queue_facet = Table(
    "queue_facet",
    metadata,
    Column("queue", String(64), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("closed", Boolean, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("rank", Integer, primary_key=True),
    Column("item", Sequence, ForeignKey("queue_item.seq"), primary_key=True, index=True),
    Column("shown", Sealed("queue_facet.shown", row=("item", "kind", "value")), comment="the value, where it is keyed"),
    sealed_by(),
    sqlite_with_rowid=False,
)

queue_event = Table(
    "queue_event",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("item", Sequence, ForeignKey("queue_item.seq"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(24), nullable=False),
    Column("note", Sealed("queue_event.note", row=("item", "at", "action"))),
    sealed_by(),
)

queue_pause = Table(
    "queue_pause",
    metadata,
    Column("queue", String(64), primary_key=True),
    Column("person", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("note", Text, nullable=False),
)

night = Table(
    "night",
    metadata,
    Column("key", String(10), primary_key=True, comment="the date in the operator's time zone"),
    Column("begun_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("counts", JSON),
)

correction = Table(
    "correction",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("report", Sequence, ForeignKey("report.seq"), nullable=False, index=True),
    Column("reviewer", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", Sealed("correction.body", row=("report", "reviewer", "at"), kind="json"), nullable=False),
    Column("note", Sealed("correction.note", row=("report", "reviewer", "at"))),
    Column("blind", Boolean, nullable=False, server_default=false(), comment="said without seeing the other review"),
    sealed_by(),
)

# The last word where reviewers differ: it stands over every correction.
adjudication = Table(
    "adjudication",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("report", Sequence, ForeignKey("report.seq"), nullable=False, index=True),
    Column("adjudicator", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body", Sealed("adjudication.body", row=("report", "adjudicator", "at"), kind="json"), nullable=False),
    Column("note", Sealed("adjudication.note", row=("report", "adjudicator", "at"))),
    sealed_by(),
)

# Reports of the share that two people review without seeing each other's words, and how the pair came out.
second_review = Table(
    "second_review",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("report", Sequence, ForeignKey("report.seq"), nullable=False),
    Column("queue", String(64), nullable=False, comment="where the first person decided, and the second reads it"),
    Column("state", String(16), nullable=False, comment="begun, due, agreed, differs or adjudicated"),
    Column("first", Sequence, ForeignKey("correction.seq"), nullable=False),
    Column("second", Sequence, ForeignKey("correction.seq")),
    Column("adjudication", Sequence, ForeignKey("adjudication.seq")),
    Column("holder", Text),
    Column("lease_until", Instant),
    UniqueConstraint("report", "queue"),
    Index("ix_second_review_work", "queue", "state", "seq"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("item", Sequence, ForeignKey("queue_item.seq"), nullable=False, index=True),
    Column("destination", Text, nullable=False),
    Column("idempotency_key", String(64), nullable=False, unique=True),
    Column("state", String(16), nullable=False, server_default="owed"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("available_at", Instant, nullable=False),
    Column("lease_until", Instant),
    Column("lease_token", String(32)),
    Column("last_error", Text),
    Column("delivered_at", Instant),
    Index("ix_outbox_work", "state", "available_at", "seq"),
)

# A destination that failed last; the row goes when it takes something again.
circuit = Table(
    "circuit",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("failures", Integer, nullable=False, comment="in a row"),
    Column("failing_since", Instant, nullable=False),
    Column("open_until", Instant, comment="nothing is sent before; empty while the circuit is closed"),
    Column("last_error", Text, nullable=False),
)

audit_event = Table(
    "audit_event",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index("ix_audit_event_subject", "subject"),
    Index("ix_audit_event_at", "at"),
)

# The end of the chain, kept apart so that cutting off its tail shows, and so that PostgreSQL
# has one row to lock while an event is added.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Sequence, nullable=False),
    Column("hash", String(64), nullable=False),
)

# Which reports left the house in which export, and what was said of them then: the lines that the event stands for.
exported = Table(
    "exported",
    metadata,
    Column("event", Sequence, ForeignKey("audit_event.seq"), primary_key=True, autoincrement=False),
    Column("report", Sequence, ForeignKey("report.seq"), primary_key=True, autoincrement=False, index=True),
    Column("decision", String(64), nullable=False, comment="SHA-256 of the assessment in force"),
    Column("review", String(64), comment="SHA-256 of the correction or adjudication in force"),
    sqlite_with_rowid=False,
)

legal_hold = Table(
    "legal_hold",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("subject", String(40), nullable=False, index=True, comment="a report, or a batch with all its rows"),
    Column("placed_by", Text, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("reason", Sealed("legal_hold.reason", row=("subject", "placed_at")), nullable=False),
    Column("released_by", Text),
    Column("released_at", Instant),
    sealed_by(),
)

# Rows whose words are gone: reports by their id, quarantined and repeated rows by batch and line.
erasure = Table(
    "erasure",
    metadata,
    Column("subject", String(60), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("person", Text, nullable=False),
    Column("ground", String(16), nullable=False, comment="request or retention"),
)

# How the words of rows that are written now are encrypted: one row.
sealing = Table(
    "sealing",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(8), comment="empty: not at all"),
    Column("earlier", JSON, nullable=False, comment="keys under which rows may be still, null for none"),
)
