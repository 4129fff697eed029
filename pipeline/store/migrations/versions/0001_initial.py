"""The first schema."""

import sqlalchemy as sa
from alembic import op

import pipeline.store.schema

revision = "0001"
down_revision = None

# Rows that are evidence: once written they stay as they are. Erasing a report will need a migration
# of its own that says what may be erased, by whom, and what is left.
APPEND_ONLY = ("report", "assessment", "correction", "audit_event", "duplicate", "quarantine")


def _guards(table: str, dialect: str) -> list[str]:
    """Statements that make the database refuse to change or delete a row of `table`."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()",
    ]


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", pipeline.store.schema.Instant(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_event")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_event_hash")),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("submitted_at", pipeline.store.schema.Instant(timezone=True), nullable=False),
        sa.Column("completed_at", pipeline.store.schema.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_fingerprint"), ["fingerprint"], unique=False)

    op.create_table(
        "quarantine",
        sa.Column("batch", sa.String(length=40), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("locator", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["batch"], ["batch.id"], name=op.f("fk_quarantine_batch")),
        sa.PrimaryKeyConstraint("batch", "line", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "report",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("batch", sa.String(length=40), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("report_date", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", pipeline.store.schema.Instant(timezone=True), nullable=False),
        sa.Column("normalised_sha256", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["batch"], ["batch.id"], name=op.f("fk_report_batch")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_report")),
        sa.UniqueConstraint("batch", "line", name=op.f("uq_report_batch_line")),
        sa.UniqueConstraint("id", name=op.f("uq_report_id")),
    )
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_external_id"), ["external_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_report_normalised_sha256"), ["normalised_sha256"], unique=False)

    op.create_table(
        "assessment",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("report", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("taxonomy", sa.Text(), nullable=False),
        sa.Column("urgency", sa.String(length=16), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", pipeline.store.schema.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["report"], ["report.seq"], name=op.f("fk_assessment_report")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_assessment")),
        sa.UniqueConstraint("report", "model", "policy", name=op.f("uq_assessment_report_model_policy")),
    )
    op.create_table(
        "band",
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("report", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["report"], ["report.seq"], name=op.f("fk_band_report")),
        sa.PrimaryKeyConstraint("hash", "report", name=op.f("pk_band")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "correction",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("report", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("at", pipeline.store.schema.Instant(timezone=True), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["report"], ["report.seq"], name=op.f("fk_correction_report")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_correction")),
    )
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_correction_report"), ["report"], unique=False)

    op.create_table(
        "corroboration",
        sa.Column("report", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("other", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("similarity", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["other"], ["report.seq"], name=op.f("fk_corroboration_other")),
        sa.ForeignKeyConstraint(["report"], ["report.seq"], name=op.f("fk_corroboration_report")),
        sa.PrimaryKeyConstraint("report", "other", name=op.f("pk_corroboration")),
    )
    with op.batch_alter_table("corroboration", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_corroboration_other"), ["other"], unique=False)

    op.create_table(
        "duplicate",
        sa.Column("batch", sa.String(length=40), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("report", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("similarity", sa.Float(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["batch"], ["batch.id"], name=op.f("fk_duplicate_batch")),
        sa.ForeignKeyConstraint(["report"], ["report.seq"], name=op.f("fk_duplicate_report")),
        sa.PrimaryKeyConstraint("batch", "line", name=op.f("pk_duplicate")),
    )
    with op.batch_alter_table("duplicate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_duplicate_report"), ["report"], unique=False)

    op.create_table(
        "pending",
        sa.Column("report", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["report"], ["report.seq"], name=op.f("fk_pending_report")),
        sa.PrimaryKeyConstraint("report", name=op.f("pk_pending")),
    )
    op.create_table(
        "queue_item",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("report", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("assessment", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("urgency", sa.String(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False, comment="0 is the most urgent level"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("due", pipeline.store.schema.Instant(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("lease_until", pipeline.store.schema.Instant(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", pipeline.store.schema.Instant(timezone=True), nullable=False),
        sa.Column("closed_at", pipeline.store.schema.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["assessment"], ["assessment.seq"], name=op.f("fk_queue_item_assessment")),
        sa.ForeignKeyConstraint(["report"], ["report.seq"], name=op.f("fk_queue_item_report")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_queue_item")),
        sa.UniqueConstraint("report", "queue", name=op.f("uq_queue_item_report_queue")),
    )
    with op.batch_alter_table("queue_item", schema=None) as batch_op:
        batch_op.create_index("ix_queue_item_overdue", ["queue", "state", "due"], unique=False)
        batch_op.create_index(batch_op.f("ix_queue_item_report"), ["report"], unique=False)
        batch_op.create_index("ix_queue_item_work", ["queue", "state", "rank", "due", "seq"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("item", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="owed", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("available_at", pipeline.store.schema.Instant(timezone=True), nullable=False),
        sa.Column("lease_until", pipeline.store.schema.Instant(timezone=True), nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("delivered_at", pipeline.store.schema.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["item"], ["queue_item.seq"], name=op.f("fk_outbox_item")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_outbox_idempotency_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_item"), ["item"], unique=False)
        batch_op.create_index("ix_outbox_work", ["state", "available_at", "seq"], unique=False)

    op.create_table(
        "queue_event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("item", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", pipeline.store.schema.Instant(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["item"], ["queue_item.seq"], name=op.f("fk_queue_event_item")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_queue_event")),
    )
    with op.batch_alter_table("queue_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_queue_event_item"), ["item"], unique=False)
    op.execute(f"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '{'0' * 64}')")
    for table in APPEND_ONLY:
        for statement in _guards(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("queue_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_queue_event_item"))

    op.drop_table("queue_event")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_work")
        batch_op.drop_index(batch_op.f("ix_outbox_item"))

    op.drop_table("outbox")
    with op.batch_alter_table("queue_item", schema=None) as batch_op:
        batch_op.drop_index("ix_queue_item_work")
        batch_op.drop_index(batch_op.f("ix_queue_item_report"))
        batch_op.drop_index("ix_queue_item_overdue")

    op.drop_table("queue_item")
    op.drop_table("pending")
    with op.batch_alter_table("duplicate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duplicate_report"))

    op.drop_table("duplicate")
    with op.batch_alter_table("corroboration", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_corroboration_other"))

    op.drop_table("corroboration")
    with op.batch_alter_table("correction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_correction_report"))

    op.drop_table("correction")
    op.drop_table("band")
    op.drop_table("assessment")
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_normalised_sha256"))
        batch_op.drop_index(batch_op.f("ix_report_external_id"))

    op.drop_table("report")
    op.drop_table("quarantine")
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_fingerprint"))

    op.drop_table("batch")
    op.drop_table("audit_head")
    op.drop_table("audit_event")
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(f"DROP FUNCTION IF EXISTS {table}_append_only() CASCADE")
