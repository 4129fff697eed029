"""People, their sessions and what they do with queue items."""

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema import Instant

revision = "0002"
down_revision = "0001"


# 0001 guards these row by row; on PostgreSQL TRUNCATE would go past that.
APPEND_ONLY = ("report", "assessment", "correction", "audit_event", "duplicate", "quarantine")


def upgrade() -> None:
    op.add_column("queue_item", sa.Column("outcome", sa.String(24)))
    op.add_column("queue_item", sa.Column("decided_by", sa.Text()))
    op.add_column("batch", sa.Column("submitted_by", sa.Text()))
    op.create_index("ix_batch_submitted_by", "batch", ["submitted_by"])
    op.create_table(
        "queue_pause",
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("queue", name="pk_queue_pause"),
    )
    op.create_table(
        "person",
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("granted", sa.JSON(), nullable=False, comment="restricted queues that this person may see"),
        sa.Column("password", sa.Text(), comment="argon2id; empty until the invitation is taken up"),
        sa.Column("disabled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("locked_until", Instant(timezone=True)),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("login", name="pk_person"),
    )
    op.create_table(
        "session",
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("expires_at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["login"], ["person.login"], name="fk_session_login"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_session"),
    )
    op.create_index("ix_session_login", "session", ["login"])
    op.create_table(
        "invitation",
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("expires_at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["login"], ["person.login"], name="fk_invitation_login"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_invitation"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
            )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
    for table in ("invitation", "session", "person", "queue_pause"):
        op.drop_table(table)
    op.drop_index("ix_batch_submitted_by", "batch")
    op.drop_column("batch", "submitted_by")
    op.drop_column("queue_item", "decided_by")
    op.drop_column("queue_item", "outcome")
