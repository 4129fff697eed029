"""Words encrypted at rest: how the store is sealed, each row's key, what is keyed for look-ups; no words of sealed rows in the index."""

import sqlalchemy as sa
from alembic import op

from pipeline.store.guards import LIFTABLE, liftable

revision = "0023"
down_revision = "0022"

TABLES = (
    "batch", "report", "duplicate", "quarantine", "assessment", "queue_facet", "queue_event", "correction",
    "adjudication", "legal_hold",
)  # fmt: skip
# PostgreSQL: what is encrypted is neither JSON nor of 64 characters.
RETYPED = {
    ("report", "metadata"): "json", ("duplicate", "content"): "json", ("quarantine", "content"): "json",
    ("assessment", "body"): "json", ("correction", "body"): "json", ("adjudication", "body"): "json",
    ("report", "sha256"): "varchar(64)",
}  # fmt: skip
ENCRYPTED = {
    "report": ("external_id", "external_key", "sha256", "text", "source", "metadata", "raw", "normalised_sha256",
               "normalised", "signature", "sealed_by"),
    "duplicate": ("external_id", "content", "sealed_by"),
    "quarantine": ("locator", "external_id", "content", "sealed_by"),
    "assessment": ("body", "sealed_by"),
    "correction": ("body", "note", "sealed_by"),
    "adjudication": ("body", "note", "sealed_by"),
}  # fmt: skip
FORGET = (
    "INSERT INTO report_words(report_words, rowid, external_id, text) "
    "SELECT 'delete', old.seq, old.external_id, old.text{}; "
)
LEARN = "INSERT INTO report_words(rowid, external_id, text) SELECT new.seq, new.external_id, new.text{}; "


def sqlite_words(was_clear: str, is_clear: str) -> tuple[str, ...]:
    """The triggers that follow the words of reports, under these conditions."""
    forget, learn = FORGET.format(was_clear), LEARN.format(is_clear)
    return (
        "DROP TRIGGER IF EXISTS report_words_add",
        "DROP TRIGGER IF EXISTS report_words_change",
        "DROP TRIGGER IF EXISTS report_words_remove",
        f"CREATE TRIGGER report_words_add AFTER INSERT ON report BEGIN {learn}END",
        f"CREATE TRIGGER report_words_change AFTER UPDATE OF external_id, text ON report BEGIN {forget}{learn}END",
        f"CREATE TRIGGER report_words_remove AFTER DELETE ON report BEGIN {forget}END",
    )


def postgresql_words(insert: str) -> str:
    return (
        "CREATE OR REPLACE FUNCTION report_words_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"DELETE FROM report_words WHERE report = NEW.seq; {insert} RETURN NULL; END $$"
    )


WORDS = "INSERT INTO report_words VALUES (NEW.seq, words_of(NEW.external_id, NEW.text));"


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if not is_sqlite:
        for (table, column), _ in RETYPED.items():
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE text USING {column}::text")
    for table in TABLES:
        op.add_column(table, sa.Column("sealed_by", sa.String(8), nullable=True))
    op.add_column("report", sa.Column("external_key", sa.String(32), nullable=True))
    op.add_column("report", sa.Column("normalised", sa.Text(), nullable=True))
    op.add_column("queue_facet", sa.Column("shown", sa.Text(), nullable=True))
    op.create_index("ix_report_external_key", "report", ["external_key"])
    op.create_table(
        "sealing",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(8), nullable=True),
        sa.Column("earlier", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sealing"),
    )
    op.execute("INSERT INTO sealing (id, earlier) VALUES (1, '[]')")
    if is_sqlite:
        for statement in sqlite_words(" WHERE old.sealed_by IS NULL", " WHERE new.sealed_by IS NULL"):
            op.execute(statement)
    else:
        op.execute(postgresql_words(f"IF NEW.sealed_by IS NULL THEN {WORDS} END IF;"))
        for table in LIFTABLE:
            op.execute(liftable(table, ENCRYPTED[table]))


def downgrade() -> None:
    connection = op.get_bind()
    if connection.execute(
        sa.text("SELECT 1 FROM sealing WHERE key IS NOT NULL OR CAST(earlier AS TEXT) <> '[]'")
    ).first():
        raise RuntimeError("the store is encrypted: switch that off first (sitrep encryption off)")
    if connection.dialect.name == "sqlite":
        for statement in sqlite_words("", ""):
            op.execute(statement)
    else:
        op.execute(postgresql_words(WORDS))
        for table in LIFTABLE:
            op.execute(liftable(table))
    op.drop_table("sealing")
    op.drop_index("ix_report_external_key", "report")
    op.drop_column("queue_facet", "shown")
    op.drop_column("report", "normalised")
    op.drop_column("report", "external_key")
    for table in reversed(TABLES):
        op.drop_column(table, "sealed_by")
    if connection.dialect.name != "sqlite":
        for (table, column), type_ in RETYPED.items():
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {type_} USING {column}::{type_}")
