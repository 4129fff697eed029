"""Guards that erasing words may lift for its own transaction (on SQLite it drops and remakes the trigger instead)."""

from alembic import op

from pipeline.store.guards import LIFTABLE, liftable, statements

revision = "0015"
down_revision = "0012"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in LIFTABLE:
            op.execute(liftable(table))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in LIFTABLE:
            op.execute(statements(table, "postgresql")[0].replace("CREATE", "CREATE OR REPLACE", 1))
