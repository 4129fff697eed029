"""Reports that a second person reviews without seeing what the first one said."""

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema import Instant, Sequence

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "second_review",
        sa.Column("seq", Sequence, primary_key=True, autoincrement=True),
        sa.Column("report", Sequence, sa.ForeignKey("report.seq", name="fk_second_review_report"), nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("first", Sequence, sa.ForeignKey("correction.seq", name="fk_second_review_first"), nullable=False),
        sa.Column("second", Sequence, sa.ForeignKey("correction.seq", name="fk_second_review_second")),
        sa.Column("adjudication", Sequence, sa.ForeignKey("adjudication.seq", name="fk_second_review_adjudication")),
        sa.Column("holder", sa.Text()),
        sa.Column("lease_until", Instant),
        sa.UniqueConstraint("report", "queue", name="uq_second_review_report"),
    )
    op.create_index("ix_second_review_work", "second_review", ["queue", "state", "seq"])


def downgrade() -> None:
    op.drop_index("ix_second_review_work", "second_review")
    op.drop_table("second_review")
