"""A PostgreSQL of the tests' own: the installed server on a Unix socket in a temporary folder, a database for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text


def binaries() -> Path | None:
    """Where `initdb` is: on the path, or where Debian puts it."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)


@contextmanager
def server(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """Run a server that keeps its data in `folder`, which its user has to be able to reach; the folder of its socket.

    `durable`: wait for the disk as in production, which tests have no need of.
    """
    programs = binaries()
    assert programs is not None
    data, socket = folder / "data", folder / "socket"
    socket.mkdir()
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        shutil.chown(socket, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def run(*command: str | Path) -> None:
        subprocess.run([*as_user, *map(str, command)], check=True, capture_output=True, cwd=folder, timeout=60)

    run(programs / "initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust", "--no-sync", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories='{socket}' -c fsync={'on' if durable else 'off'} -c max_connections=60"
    run(programs / "pg_ctl", "--pgdata", data, "--wait", "-o", options, "-l", folder / "log", "start")
    try:
        yield str(socket)
    finally:
        run(programs / "pg_ctl", "--pgdata", data, "--wait", "--mode", "immediate", "stop")


def restart(folder: Path) -> None:
    """End a server at once, as a crash would, and start it again over the same data."""
    programs = binaries()
    assert programs is not None
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    command = [
        programs / "pg_ctl",
        "--pgdata",
        folder / "data",
        "--wait",
        "--mode",
        "immediate",
        "-l",
        folder / "log",
        "restart",
    ]
    subprocess.run([*as_user, *map(str, command)], check=True, capture_output=True, cwd=folder, timeout=60)


@contextmanager
def database(socket: str, *, template: str = "template1") -> Iterator[str]:
    """A database of its own, empty or a copy of `template`; its SQLAlchemy URL."""
    name = f"t{uuid.uuid4().hex[:12]}"
    url = f"postgresql+psycopg://postgres@/postgres?host={socket}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield f"postgresql+psycopg://postgres@/{name}?host={socket}"
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
