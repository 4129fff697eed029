"""Versions of the model: shipped ones, and folders that a user has."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from models.manifest import MANIFEST
from pipeline.errors import ModelError

DEFAULT = "minilm-sitrep-4"


def shipped() -> dict[str, Path]:
    """Versions that come with Sitrep, by name."""
    root = Path(str(files("models").joinpath("shipped")))
    return (
        {folder.name: folder for folder in sorted(root.iterdir()) if (folder / MANIFEST).is_file()}
        if root.is_dir()
        else {}
    )


def find(version: str | Path | None) -> Path:
    """The folder of a version: by name, by path, or the default one."""
    known = shipped()
    if version is None:
        version = DEFAULT
    if isinstance(version, str) and version in known:
        return known[version]
    if (Path(version) / MANIFEST).is_file():
        return Path(version)
    raise ModelError(f"there is no model {str(version)!r}; shipped: {', '.join(known) or 'none'}")
