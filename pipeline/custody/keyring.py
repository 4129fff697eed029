"""The keys that the words of a store are encrypted under: a file outside the store, the newest key last.

Each line is a key: its id, the day it was made, 32 random bytes in base64. Two keys are derived from them (HKDF, RFC
5869): one encrypts values (AES-256-GCM, a random nonce of 96 bits, the place of the value as associated data), one makes
what is looked up by equality unreadable (BLAKE2b, keyed). The id is a hash of the key, so that no wrong key has it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline.custody.keys import write_key
from pipeline.errors import ConfigurationError, StoreError

KEY_BYTES = 32
NONCE_BYTES = 12


class Unopened(Exception):
    """A value is not what was sealed under this key at this place."""


@dataclass(frozen=True)
class Key:
    """One key; `ident` names it in the store and in messages."""

    ident: str
    _cipher: AESGCM = field(repr=False, compare=False)
    _lookup: bytes = field(repr=False, compare=False)

    def seal(self, plain: bytes, place: str) -> bytes:
        """Ciphertext that opens under this key and at this place only."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed; Unopened where it was altered, or sealed for another place."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise Unopened from error

    def keyed(self, kind: str, value: bytes, *, size: int) -> bytes:
        """The same `size` bytes for the same value of a kind, from which nobody without the key tells it."""
        return hashlib.blake2b(value, key=self._lookup, person=kind.encode(), digest_size=size).digest()


def key_of(secret: bytes) -> Key:
    """The key that 32 random bytes stand for."""

    def derived(purpose: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"sitrep " + purpose).derive(secret)

    return Key(_ident(secret), AESGCM(derived(b"values")), derived(b"look-ups"))


def _ident(secret: bytes) -> str:
    return hashlib.sha256(b"sitrep key id\n" + secret).hexdigest()[:8]


class Keyring:
    """The keys of a file, read anew when one is asked for that was not there: a rotation needs no restart."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keys = _read(path)

    @property
    def newest(self) -> Key:
        return next(reversed(self._keys.values()))

    def get(self, ident: str) -> Key:
        """The key of that id; StoreError where the file has none."""
        if ident not in self._keys:
            self._keys = _read(self.path)
        try:
            return self._keys[ident]
        except KeyError:
            raise StoreError(
                f"the store is encrypted under key {ident}, which {self.path} does not hold: bring that key back"
            ) from None

    def missing(self, idents: Sequence[str]) -> list[str]:
        """Those of the ids that the file has no key of."""
        return [ident for ident in idents if ident not in self._keys]


def make_keyring(path: Path, *, today: date) -> Key:
    """A new file with one new key; ConfigurationError where something is there already."""
    line, key = _new(today)
    write_key(path, line)
    return key


def add_key(path: Path, *, today: date) -> Key:
    """A new key at the end of the file, which is there wholly or as it was before."""
    _read(path)
    line, key = _new(today)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_key(partial, path.read_bytes() + line)
    partial.replace(path)
    return key


def _new(today: date) -> tuple[bytes, Key]:
    secret = secrets.token_bytes(KEY_BYTES)
    return f"{_ident(secret)} {today} {base64.b64encode(secret).decode()}\n".encode(), key_of(secret)


def _read(path: Path) -> dict[str, Key]:
    """The keys of a file by id; ConfigurationError where it cannot be trusted or is no such file."""
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path}: others may read the keys of the store: chmod 600 {path}")
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path}: no keys of the store can be read there: bring the file back (`sitrep encryption key` makes a first one)"
        ) from error
    keys = {}
    for number, line in enumerate(lines, 1):
        try:
            ident, _, encoded = line.split(" ")
            secret = base64.b64decode(encoded, validate=True)
        except ValueError:
            ident, secret = "", b""
        if len(secret) != KEY_BYTES or ident != _ident(secret):
            raise ConfigurationError(f"{path}: line {number} is no key of a store: bring the file back as it was")
        keys[ident] = key_of(secret)
    if not keys:
        raise ConfigurationError(f"{path} holds no key: bring the file back as it was")
    return keys
