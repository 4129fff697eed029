"""Sessions that an OpenID provider began know it, so that it can end them."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("session", sa.Column("provider_sid", sa.Text, nullable=True))


def downgrade() -> None:
    op.drop_column("session", "provider_sid")
