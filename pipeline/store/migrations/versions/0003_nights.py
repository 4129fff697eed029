"""Nightly runs."""

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema import Instant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "night",
        sa.Column("key", sa.String(10), nullable=False),
        sa.Column("begun_at", Instant(timezone=True), nullable=False),
        sa.Column("finished_at", Instant(timezone=True)),
        sa.Column("counts", sa.JSON()),
        sa.PrimaryKeyConstraint("key", name="pk_night"),
    )


def downgrade() -> None:
    op.drop_table("night")
