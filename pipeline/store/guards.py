"""Guards: the database itself refuses to change or delete rows that are evidence.

They keep mistakes out; against somebody who may write anything stands the audit chain. Erasing the words of a report
lifts the guards of the tables that hold words, for its own transaction, and leaves an event in the chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

LIFTABLE = ("report", "assessment", "correction", "adjudication", "duplicate", "quarantine")
_LIFTED = "sitrep.lifted"


def statements(table: str, dialect: str) -> list[str]:
    """What makes the database refuse to change, delete or empty `table`."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
    ]


def liftable(table: str) -> str:
    """PostgreSQL: the guard that lets updates pass in a transaction that says so; no lock on the whole table is needed."""
    return (
        f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'UPDATE' AND current_setting('{_LIFTED}', true) = 'yes' THEN RETURN NEW; END IF; "
        f"RAISE EXCEPTION '{table} is append-only'; END $$"
    )


@contextmanager
def lifted(connection: Connection) -> Iterator[None]:
    """Let the caller's transaction, and no other, change rows of the tables that hold words."""
    if connection.dialect.name == "sqlite":
        # Nobody else writes meanwhile, and an exception rolls all of it back.
        for table in LIFTABLE:
            connection.execute(text(f"DROP TRIGGER {table}_no_update"))
        yield
        for table in LIFTABLE:
            connection.execute(text(statements(table, "sqlite")[0]))
    else:
        connection.execute(text(f"SET LOCAL {_LIFTED} = 'yes'"))
        yield
        connection.execute(text(f"SET LOCAL {_LIFTED} = 'no'"))
