"""The store: reports, assessments, queues, outbox and the audit chain, in SQLite or PostgreSQL.

`Store` gives connections; each module holds the repository functions of one noun, which take a
connection first, so that a caller decides what happens in one transaction.

>>> store = open_store("sqlite:///:memory:")                                        # doctest: +SKIP
>>> with store.write() as connection:                                               # doctest: +SKIP
...     batches.start(connection, fingerprint="ab12", source="hotline", now=now)
"""

from pipeline.store.engine import Store, open_store

__all__ = ["Store", "open_store"]
