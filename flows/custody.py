"""The signed heads of a workspace: those that were kept, and a new one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flows.workspace import Workspace, utc_now
from pipeline.custody.check import Head, Verifier, read_head
from pipeline.custody.evidence import Difference, compare
from pipeline.custody.heads import keep, load_key, read_heads, sign, trusted, verifier_of
from pipeline.errors import ConfigurationError, StoreError
from pipeline.store import audit
from pipeline.store.audit import Verification


def verifiers(opened: Workspace) -> list[Verifier]:
    """The keys that the settings trust to have signed; ConfigurationError without any."""
    found = trusted(opened.settings.audit.verifiers)
    if not found:
        raise ConfigurationError(
            "no verifier key is trusted: name one in [audit] verifiers of sitrep.toml, or by --key"
        )
    return found


def signed_heads(opened: Workspace, *, elsewhere: Path | None = None) -> list[tuple[str, Head]]:
    """Notes and heads that the workspace and the folder `elsewhere` keep, the one of most events last.

    StoreError where one of them is not what was signed.
    """
    folders = [opened.settings.path(opened.settings.audit.heads), *([elsewhere] if elsewhere else [])]
    found = [pair for folder in folders if folder.is_dir() for pair in read_heads(folder, verifiers(opened))]
    return sorted(found, key=lambda pair: pair[1].size)


def sign_head(opened: Workspace) -> tuple[Path, Head]:
    """Sign the chain as it stands and keep the head; the file."""
    settings = opened.settings.audit
    if settings.key_file is None or settings.name is None:
        raise ConfigurationError("no key signs the heads: run `sitrep audit key FILE --name DESK`")
    key = load_key(opened.settings.path(settings.key_file))
    with opened.store.read() as connection:
        note = sign(connection, key, name=settings.name, now=utc_now())
    head = read_head(note, trusted([verifier_of(key, name=settings.name)]))
    return keep(note, opened.settings.path(settings.heads), head=head), head


def altered_rows(opened: Workspace) -> list[Difference]:
    """Rows of the store that are not what its chain says."""
    with opened.store.read() as connection:
        return list(compare(connection))


def check_chain(opened: Workspace, *, elsewhere: Path | None = None) -> tuple[Verification, list[Head]]:
    """Walk the chain and compare it with the signed heads; what was found, and the heads, the one of most events last.

    A head that is not what was signed breaks the chain at its end: nothing vouches for it.
    """
    try:
        signed, forged = [head for _, head in signed_heads(opened, elsewhere=elsewhere)], None
    except StoreError as error:
        signed, forged = [], str(error)
    with opened.store.read() as connection:
        found = audit.verify(connection, heads=signed)
    if forged and found.broken_at is None:
        found = replace(found, broken_at=found.events, problem=f"is not vouched for: {forged}")
    return found, signed
