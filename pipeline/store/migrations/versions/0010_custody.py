"""What left in which export, legal holds, erasures; events by subject and time; guards for what reviewers said last."""

import sqlalchemy as sa
from alembic import op

from pipeline.store.guards import statements
from pipeline.store.schema import Instant, Sequence

revision = "0010"
down_revision = "0006"

APPEND_ONLY = ("adjudication", "exported", "erasure")


def upgrade() -> None:
    op.create_index("ix_audit_event_subject", "audit_event", ["subject"])
    op.create_index("ix_audit_event_at", "audit_event", ["at"])
    op.create_table(
        "exported",
        sa.Column("event", Sequence, autoincrement=False, nullable=False),
        sa.Column("report", Sequence, autoincrement=False, nullable=False),
        sa.Column("decision", sa.String(64), nullable=False, comment="SHA-256 of the assessment in force"),
        sa.Column("review", sa.String(64), comment="SHA-256 of the correction or adjudication in force"),
        sa.ForeignKeyConstraint(["event"], ["audit_event.seq"], name="fk_exported_event"),
        sa.ForeignKeyConstraint(["report"], ["report.seq"], name="fk_exported_report"),
        sa.PrimaryKeyConstraint("event", "report", name="pk_exported"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_exported_report", "exported", ["report"])
    op.create_table(
        "legal_hold",
        sa.Column("seq", Sequence, autoincrement=True, nullable=False),
        sa.Column("subject", sa.String(40), nullable=False, comment="a report, or a batch with all its rows"),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", Instant(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("released_by", sa.Text()),
        sa.Column("released_at", Instant(timezone=True)),
        sa.PrimaryKeyConstraint("seq", name="pk_legal_hold"),
    )
    op.create_index("ix_legal_hold_subject", "legal_hold", ["subject"])
    op.create_table(
        "erasure",
        sa.Column("subject", sa.String(60), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("ground", sa.String(16), nullable=False, comment="request or retention"),
        sa.PrimaryKeyConstraint("subject", name="pk_erasure"),
    )
    for table in APPEND_ONLY:
        for statement in statements(table, op.get_bind().dialect.name):
            op.execute(statement)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER adjudication_no_{verb}")
    for table in ("erasure", "legal_hold", "exported"):
        op.drop_table(table)
    if dialect == "postgresql":
        for trigger in ("append_only", "no_truncate"):
            op.execute(f"DROP TRIGGER adjudication_{trigger} ON adjudication")
        for table in APPEND_ONLY:
            op.execute(f"DROP FUNCTION {table}_append_only()")
    op.drop_index("ix_audit_event_at", "audit_event")
    op.drop_index("ix_audit_event_subject", "audit_event")
