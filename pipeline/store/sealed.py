"""Columns that hold words: encrypted at rest where the store is, and the same to whoever reads and writes rows.

What stands in the database is the value as it is, or `@sealed:KEY:BASE64`. A value is sealed for its table, column and
row: a select brings the row's name along, and what was moved there from another row does not open, nor does what stands as
it is in a row that says that it is sealed. Rows are made ready to be written by `sealing.seal`, since a type does not see
the row that a value is for.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from weakref import WeakKeyDictionary

from sqlalchemy import DateTime, Dialect, LargeBinary, Text, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from pipeline.custody.keyring import Key, Keyring, Unopened
from pipeline.errors import StoreError

MARK = "@sealed:"
CLEAR = "clear"
"""Instead of a key: a value that is not encrypted and begins like one that is."""
NONE = "none"
"""Instead of a key, and never stored: a value that should be encrypted and is not."""
EMPTY = (None, "", b"", "{}", "[]")
Plain = str | bytes | None

_keyrings: WeakKeyDictionary[Dialect, Keyring] = WeakKeyDictionary()


def use_keys(dialect: Dialect, keys: Keyring) -> None:
    """Read and write by these keys over the connections of this dialect, which is one engine's own."""
    _keyrings[dialect] = keys


def keys_of(dialect: Dialect) -> Keyring | None:
    return _keyrings.get(dialect)


@dataclass(frozen=True, slots=True)
class Stored:
    """A value as it is to stand in the database."""

    value: Plain


class Sealed(TypeDecorator[Any]):
    """A text, a JSON value or bytes; `column` is `table.column`, `row` the columns that name a row for good."""

    impl = Text
    cache_ok = True

    def __init__(self, column: str, *, row: tuple[str, ...], kind: Literal["text", "json", "bytes"] = "text") -> None:
        super().__init__()
        self.column, self.row, self.kind = column, row, kind

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(LargeBinary() if self.kind == "bytes" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Plain:
        if isinstance(value, Stored):
            return value.value
        plain = self.plain(value)
        if plain not in EMPTY and keys_of(dialect) is not None:
            raise TypeError(f"{self.column} is written by way of sealing.seal")
        return self._clear(plain)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is not None and self._is_marked(value):
            value = self._opened(value, dialect)
        return json.loads(value) if self.kind == "json" and value is not None else value

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        found: Any = getattr(column, "element", column)  # of a label
        named = _with_row(found, found.table.c.sealed_by, *(found.table.c[name] for name in self.row))
        named.type = self
        return named

    def plain(self, value: Any) -> Plain:
        """A value as it stands in the database where nothing is encrypted."""
        return json.dumps(value) if self.kind == "json" and value is not None else value

    def sealed(self, value: Any, row: str, key: Key | None) -> Stored:
        """The value ready to be written into the row of that name, under a key, if any. What is empty tells nothing."""
        plain = self.plain(value)
        if plain in EMPTY or key is None:
            return Stored(self._clear(plain))
        data = plain if isinstance(plain, bytes) else str(plain).encode("utf-8", "surrogatepass")
        return Stored(self._marked(key.ident, key.seal(data, self._place(row))))

    def _place(self, row: str) -> str:
        return f"{self.column}\n{row}"

    def _clear(self, plain: Plain) -> Plain:
        if plain is None or not self._is_marked(plain):
            return plain
        return self._marked(CLEAR, plain if isinstance(plain, bytes) else plain.encode("utf-8", "surrogatepass"))

    def _is_marked(self, value: str | bytes) -> bool:
        return value.startswith(MARK) if isinstance(value, str) else value.startswith(MARK.encode())

    def _marked(self, ident: str, data: bytes) -> Plain:
        made = f"{MARK}{ident}:{base64.b64encode(data).decode()}"
        return made.encode() if self.kind == "bytes" else made

    def _opened(self, value: str | bytes, dialect: Dialect) -> str | bytes:
        """What is in a marked value; StoreError where it cannot be opened."""
        token, _, row = (value.decode() if isinstance(value, bytes) else value).partition("|")
        ident, _, encoded = token.removeprefix(MARK).partition(":")
        keys = keys_of(dialect)
        if ident != CLEAR and keys is None:
            raise StoreError(NO_KEYS.format(ident=ident))
        try:
            data = binascii.a2b_base64(encoded)
            if ident == NONE or (ident == CLEAR and row):
                raise Unopened
            if ident != CLEAR and keys is not None:
                data = keys.get(ident).open(data, self._place(row))
            return data if self.kind == "bytes" else data.decode("utf-8", "surrogatepass")
        except (Unopened, ValueError) as error:
            raise StoreError(
                f"{self.column} of {row.replace(SEPARATOR, ' ')} cannot be opened: it was altered, or is another row's"
            ) from error


NO_KEYS = (
    "the store is encrypted under key {ident}: name the file of its keys as key_file under [encryption] in sitrep.toml"
)
SEPARATOR = "\x1f"


def row_name(values: Any, names: tuple[str, ...]) -> str:
    """The name of a row as `_with_row` puts it together in the database."""
    return SEPARATOR.join(_written(values[name]) for name in names)


def _written(value: Any) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else str(value)


class _with_row(FunctionElement[Any]):  # noqa: N801
    """A value; in a row that is sealed, with a mark and the name of the row behind it."""

    inherit_cache = True


@compiles(_with_row)
def _compile(element: _with_row, compiler: Any, **options: Any) -> str:
    column, sealed_by, *names = element.clauses
    value = compiler.process(column, **options)
    if keys_of(compiler.dialect) is None:
        return str(value)
    is_sqlite = compiler.dialect.name == "sqlite"
    is_bytes = isinstance(column.type, Sealed) and column.type.kind == "bytes"

    def written(name: Any) -> str:
        made = compiler.process(name, **options)
        if isinstance(name.type, TypeDecorator) and isinstance(name.type.impl, DateTime) and not is_sqlite:
            return f"to_char({made} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        return f"CAST({made} AS TEXT)"

    row = f" || '{SEPARATOR}' || ".join(map(written, names))
    behind, mark, none = f"'|' || {row}", f"'{MARK}'", f"'{MARK}{NONE}:|' || {row}"
    empty = f"{value} IN ('', '{{}}', '[]')"
    if not is_bytes:
        named = f"{value} || {behind}"
    elif is_sqlite:
        mark, none, empty = f"CAST({mark} AS BLOB)", f"CAST({none} AS BLOB)", f"length({value}) = 0"
        named = f"CAST(CAST({value} AS TEXT) || {behind} AS BLOB)"
    else:
        mark, none, empty = f"{mark}::bytea", f"convert_to({none}, 'UTF8')", f"length({value}) = 0"
        named = f"{value} || convert_to({behind}, 'UTF8')"
    return (
        f"CASE WHEN {compiler.process(sealed_by, **options)} IS NULL OR {value} IS NULL OR {empty} THEN {value} "
        f"WHEN substr({value}, 1, {len(MARK)}) = {mark} THEN {named} ELSE {none} END"
    )
