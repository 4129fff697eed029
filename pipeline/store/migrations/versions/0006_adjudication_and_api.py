"""Adjudications beside corrections, blind second reviews, tokens of the API and its answers to repeated requests."""

import sqlalchemy as sa
from alembic import op

from pipeline.store.schema import Instant, Sequence

revision = "0006"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("correction", sa.Column("blind", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "adjudication",
        sa.Column("seq", Sequence, autoincrement=True, nullable=False),
        sa.Column("report", Sequence, nullable=False),
        sa.Column("adjudicator", sa.Text(), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.ForeignKeyConstraint(["report"], ["report.seq"], name="fk_adjudication_report"),
        sa.PrimaryKeyConstraint("seq", name="pk_adjudication"),
    )
    op.create_index("ix_adjudication_report", "adjudication", ["report"])
    op.create_table(
        "api_token",
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", Instant(timezone=True), nullable=False),
        sa.Column("expires_at", Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["login"], ["person.login"], name="fk_api_token_login"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_api_token"),
    )
    op.create_index("ix_api_token_login", "api_token", ["login"])
    op.create_table(
        "api_answer",
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("at", Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("login", "key_sha256", name="pk_api_answer"),
    )


def downgrade() -> None:
    for table in ("api_answer", "api_token", "adjudication"):
        op.drop_table(table)
    op.drop_column("correction", "blind")
