"""Finding items: their facets, the days and the words of reports, and the order in which a queue is read."""

import json

import sqlalchemy as sa
from alembic import op

from pipeline.store.facets import of_body
from pipeline.store.schema import Sequence

revision = "0012"
down_revision = "0016"

OPEN = sa.text("state <> 'closed'")
# The words of reports are kept apart from their texts; triggers follow what is stored, changed and removed.
SQLITE_WORDS = (
    "CREATE VIRTUAL TABLE report_words USING fts5(external_id, text, content='report', content_rowid='seq', "
    "tokenize='unicode61 remove_diacritics 2')",
    "INSERT INTO report_words(report_words) VALUES ('rebuild')",
    "CREATE TRIGGER report_words_add AFTER INSERT ON report BEGIN "
    "INSERT INTO report_words(rowid, external_id, text) VALUES (new.seq, new.external_id, new.text); END",
    "CREATE TRIGGER report_words_change AFTER UPDATE OF external_id, text ON report BEGIN "
    "INSERT INTO report_words(report_words, rowid, external_id, text) "
    "VALUES ('delete', old.seq, old.external_id, old.text); "
    "INSERT INTO report_words(rowid, external_id, text) VALUES (new.seq, new.external_id, new.text); END",
    "CREATE TRIGGER report_words_remove AFTER DELETE ON report BEGIN "
    "INSERT INTO report_words(report_words, rowid, external_id, text) "
    "VALUES ('delete', old.seq, old.external_id, old.text); END",
)

POSTGRESQL_WORDS = (
    "CREATE TABLE report_words (report bigint PRIMARY KEY REFERENCES report (seq) ON DELETE CASCADE, "
    "words tsvector NOT NULL)",
    "CREATE FUNCTION words_of(external_id text, report_text text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS "
    # A tsvector holds a megabyte at most, which this many characters of any script stay under. Without the signs
    # PostgreSQL would read numbers below nought, paths and addresses as one word.
    "$$ SELECT to_tsvector('simple', translate(coalesce(external_id, '') || ' ' || left(report_text, 200000), "
    "'-_/.:@#', '       ')) $$",
    "INSERT INTO report_words SELECT seq, words_of(external_id, text) FROM report",
    "CREATE INDEX ix_report_words_words ON report_words USING gin (words)",
    "CREATE FUNCTION report_words_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "DELETE FROM report_words WHERE report = NEW.seq; "
    "INSERT INTO report_words VALUES (NEW.seq, words_of(NEW.external_id, NEW.text)); RETURN NULL; END $$",
    "CREATE TRIGGER report_words_follow AFTER INSERT OR UPDATE OF external_id, text ON report "
    "FOR EACH ROW EXECUTE FUNCTION report_words_follow()",
)


def upgrade() -> None:
    connection = op.get_bind()
    op.create_table(
        "queue_facet",
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("item", Sequence, nullable=False),
        sa.ForeignKeyConstraint(["item"], ["queue_item.seq"], name="fk_queue_facet_item"),
        sa.PrimaryKeyConstraint("queue", "kind", "closed", "value", "rank", "item", name="pk_queue_facet"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_queue_facet_item", "queue_facet", ["item"])
    op.create_index(
        "ix_queue_item_open", "queue_item", ["queue", "rank", "seq"], sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index(
        "ix_queue_item_board", "queue_item", ["queue", "urgency", "due", "created_at"], sqlite_where=OPEN,
        postgresql_where=OPEN,
    )  # fmt: skip
    op.create_index("ix_report_report_date", "report", ["report_date"])
    for statement in SQLITE_WORDS if connection.dialect.name == "sqlite" else POSTGRESQL_WORDS:
        op.execute(statement)
    _fill(connection)


def _fill(connection: sa.Connection) -> None:
    """The facets of the items that are there."""
    insert = sa.text(
        "INSERT INTO queue_facet (queue, kind, closed, value, rank, item) VALUES (:queue, :kind, :closed, :value, :rank, :item)"
    )
    last = 0
    while rows := connection.execute(
        sa.text(
            "SELECT i.seq, i.queue, i.rank, i.state, a.body, r.source, r.country FROM queue_item i "
            "JOIN assessment a ON a.seq = i.assessment JOIN report r ON r.seq = i.report "
            "WHERE i.seq > :last ORDER BY i.seq LIMIT 1000"
        ),
        {"last": last},
    ).all():
        last = rows[-1].seq
        lines = [
            {"queue": r.queue, "kind": kind, "closed": r.state == "closed", "value": value, "rank": r.rank, "item": r.seq}
            for r in rows
            for kind, value in of_body(
                json.loads(r.body) if isinstance(r.body, str) else r.body, source=r.source, country=r.country
            )
        ]  # fmt: skip
        if lines:
            connection.execute(insert, lines)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("add", "change", "remove"):
            op.execute(f"DROP TRIGGER report_words_{name}")
    else:
        op.execute("DROP TRIGGER report_words_follow ON report")
        op.execute("DROP FUNCTION report_words_follow()")
        op.execute("DROP FUNCTION words_of(text, text)")
    op.execute("DROP TABLE report_words")
    op.drop_index("ix_report_report_date", "report")
    op.drop_index("ix_queue_item_board", "queue_item")
    op.drop_index("ix_queue_item_open", "queue_item")
    op.drop_table("queue_facet")
