"""Signed heads of the audit chain: small text files outside the store that say how the chain stood when.

A head is a signed note (C2SP signed-note, tlog-checkpoint): origin, number of events, root of their tree (RFC 9162), time.
The key is kept outside the store; whoever rewrites the store cannot sign anew what was signed. Heads that others hold
(mailed, printed, time-stamped under RFC 3161) tell even where the folder of heads was rewritten as well.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from pipeline.custody.check import ED25519, Head, Refused, Verifier, key_id, read_head, read_verifier
from pipeline.custody.keys import write_key
from pipeline.errors import ConfigurationError, StoreError
from pipeline.store import audit, merkle

NAME = re.compile(r"[\w./:-]{1,100}", re.ASCII)
SUFFIX = ".head"


def make_key(path: Path, *, name: str) -> str:
    """Make a signing key in a new file that only its owner may read; its verifier key, to be given to others."""
    if not NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r}: name the desk by letters, digits and . / : - _, such as desk.example.org")
    key = Ed25519PrivateKey.generate()
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_key(path, key.private_bytes(*plain))
    return verifier_of(key, name=name)


def load_key(path: Path) -> Ed25519PrivateKey:
    """The signing key in a file; ConfigurationError where there is none."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{path}: no signing key can be read there: see `sitrep audit key`") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path} holds a key of another kind: make one with `sitrep audit key`")
    return key


def verifier_of(key: Ed25519PrivateKey, *, name: str) -> str:
    """The public half of a key as a verifier key (C2SP signed-note)."""
    public = key.public_key().public_bytes_raw()
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"


def trusted(words: Sequence[str]) -> list[Verifier]:
    """The verifier keys that the settings or a command name."""
    try:
        return [read_verifier(word) for word in words]
    except Refused as error:
        raise ConfigurationError(f"{error}: it is what `sitrep audit key` printed") from error


def sign(connection: Connection, key: Ed25519PrivateKey, *, name: str, now: datetime) -> str:
    """The chain as it stands, as a signed note."""
    size = audit.size(connection)
    root = merkle.root(audit.leaves(connection, 0, size))
    text = f"{name}\n{size}\n{base64.b64encode(root).decode()}\n{now:%Y-%m-%dT%H:%M:%SZ}\n"
    ident = key_id(name, key.public_key().public_bytes_raw())
    signature = base64.b64encode(ident + key.sign(text.encode())).decode()
    return f"{text}\n— {name} {signature}\n"


def keep(note: str, folder: Path, *, head: Head) -> Path:
    """Put a note into the folder of heads, where it is never overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{head.at[:10]}-{head.size:09}{SUFFIX}"
    if not path.exists():
        partial = path.with_suffix(".partial")  # which is no head, if we are cut off here
        partial.write_text(note, encoding="utf-8")
        partial.replace(path)
    return path


def read_heads(folder: Path, verifiers: Sequence[Verifier]) -> list[tuple[str, Head]]:
    """All notes in a folder with the heads in them, the one of most events last.

    StoreError names the first that no trusted key signed.
    """
    found = []
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            note = path.read_text(encoding="utf-8")
            found.append((note, read_head(note, verifiers)))
        except (Refused, UnicodeDecodeError) as error:
            raise StoreError(f"{path}: {error}") from error
    return sorted(found, key=lambda pair: (pair[1].size, pair[1].at))
