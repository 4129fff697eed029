"""Accounts elsewhere with which people sign in, and attempts to do so."""

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema import Instant

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "identity",
        sa.Column("login", sa.String(64), sa.ForeignKey("person.login", name="fk_identity_login"), primary_key=True),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("email", sa.Text()),
        sa.UniqueConstraint("issuer", "subject", name="uq_identity_issuer"),
    )
    op.create_table(
        "oidc_attempt",
        sa.Column("state_sha256", sa.String(64), primary_key=True),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("oidc_attempt")
    op.drop_table("identity")
