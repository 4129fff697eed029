"""Sessions know when they began and were last used. Those of before end: people sign in again."""

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema import Instant

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute("DELETE FROM session")
    op.add_column("session", sa.Column("begun_at", Instant, nullable=True))
    op.add_column("session", sa.Column("seen_at", Instant, nullable=True))


def downgrade() -> None:
    op.drop_column("session", "seen_at")
    op.drop_column("session", "begun_at")
