"""A circuit breaker for each destination."""

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema import Instant

revision = "0016"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "circuit",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("failing_since", Instant(timezone=True), nullable=False),
        sa.Column("open_until", Instant(timezone=True), comment="nothing is sent before; empty while closed"),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("destination", name="pk_circuit"),
    )


def downgrade() -> None:
    op.drop_table("circuit")
