"""Guards: the database itself refuses to change or delete rows that are evidence.

They keep mistakes out; against somebody who may write anything stands the audit chain. Erasing the words of a report
lifts the guards of the tables that hold words, for its own transaction, and leaves an event in the chain. Encrypting them
anew lifts them for the columns that are encrypted, and no other: whatever else an update would change is refused still.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Table, text

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


def liftable(table: str, sealed: Sequence[str] = ()) -> str:
    """PostgreSQL: the guard that lets updates pass in a transaction that says so; no lock on the whole table is needed.

    `sealed` are the columns that a transaction may change that says that it encrypts.
    """
    encrypts = (
        f"IF TG_OP = 'UPDATE' AND current_setting('{_LIFTED}', true) = 'sealed' "
        f"AND to_jsonb(NEW) - '{{{','.join(sealed)}}}'::text[] = to_jsonb(OLD) - '{{{','.join(sealed)}}}'::text[] "
        f"THEN RETURN NEW; END IF; "
    )
    return (
        f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'UPDATE' AND current_setting('{_LIFTED}', true) = 'yes' THEN RETURN NEW; END IF; "
        f"{encrypts if sealed else ''}RAISE EXCEPTION '{table} is append-only'; END $$"
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


@contextmanager
def lifted_for(connection: Connection, table: Table, columns: Sequence[str]) -> Iterator[None]:
    """Let the caller's transaction, and no other, change these columns of a table that is guarded; the rest stays guarded."""
    if table.name not in LIFTABLE:
        yield
    elif connection.dialect.name == "sqlite":
        others = ", ".join(column.name for column in table.c if column.name not in columns)
        always, drop = statements(table.name, "sqlite")[0], text(f"DROP TRIGGER {table.name}_no_update")
        connection.execute(drop)
        connection.execute(text(always.replace("BEFORE UPDATE ON", f"BEFORE UPDATE OF {others} ON")))
        yield
        connection.execute(drop)
        connection.execute(text(always))
    else:
        connection.execute(text(f"SET LOCAL {_LIFTED} = 'sealed'"))
        yield
        connection.execute(text(f"SET LOCAL {_LIFTED} = 'no'"))
