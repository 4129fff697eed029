"""A second factor for signing in, its recovery codes, and sessions that wait for it."""

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema import Instant, Sequence

revision = "0018"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "second_factor",
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("last_step", Sequence, nullable=False),
        sa.Column("confirmed_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["login"], ["person.login"], name="fk_second_factor_login"),
        sa.PrimaryKeyConstraint("login", name="pk_second_factor"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("code_sha256", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["login"], ["person.login"], name="fk_recovery_code_login"),
        sa.PrimaryKeyConstraint("login", "code_sha256", name="pk_recovery_code"),
    )
    op.add_column("session", sa.Column("waits", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("session", "waits")
    op.drop_table("recovery_code")
    op.drop_table("second_factor")
