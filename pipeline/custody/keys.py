"""Files of keys: made once, for their owner alone, never overwritten."""

from __future__ import annotations

import os
from pathlib import Path

from pipeline.errors import ConfigurationError


def write_key(path: Path, data: bytes) -> None:
    """Write a key into a new file of mode 600; ConfigurationError where something is there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigurationError(f"{path} is there already: nothing was changed") from error
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())  # what is sealed under a key that a power cut takes is lost
