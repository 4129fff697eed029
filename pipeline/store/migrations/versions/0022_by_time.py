"""Batches, reports and assessments are found by their time."""

from alembic import op

revision = "0022"
down_revision = "0021"
INDEXES = (("batch", "submitted_at"), ("report", "received_at"), ("assessment", "created_at"))


def upgrade() -> None:
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    for table, column in INDEXES:
        op.drop_index(f"ix_{table}_{column}", table)
