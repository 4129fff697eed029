"""Loaders: each corpus of the registry as a list of `Example`.

The label mappings are in the cards under `registry/`; here stands how each corpus is read, a module per
kind of corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from corpora.loaders.attacks import awsd, bellingcat, hrdsattack, indiapoliceevents, muc4, satp
from corpora.loaders.labelled import annotated, authored, incidents, our_labels
from corpora.loaders.prose import disaster_response, humset, re3d, statedept
from corpora.registry import card, check_count
from corpora.schema import Example
from pipeline.errors import ConfigurationError

__all__ = ["load", "names", "our_labels"]


def load(name: str, *, root: Path | None = None) -> list[Example]:
    """The corpus called `name`; `root` is the folder with the outside corpora.

    Raises ConfigurationError where there is no such corpus, where its files are not under `root`, or
    where they hold more or fewer examples than the card says.
    """
    if name not in _LOADERS:
        raise ConfigurationError(f"there is no corpus {name!r} to load; corpora: {', '.join(_LOADERS)}")
    if name == "authored":
        found = list(authored())
    elif root is None:
        raise ConfigurationError(f"the corpus {name!r} is not part of Sitrep: say where your copy is (--corpora DIR)")
    else:
        try:
            found = list(_LOADERS[name](root))
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"{error.filename}: missing; corpora/registry/{name}.toml says where it comes from"
            ) from error
    check_count(card(name), len(found))
    return found


def names() -> tuple[str, ...]:
    return tuple(_LOADERS)


_LOADERS: dict[str, Callable[[Path], Iterator[Example]]] = {
    "authored": lambda root: authored(),
    "annotated": annotated,
    "incidents": incidents,
    "awsd": awsd,
    "hrdsattack": hrdsattack,
    "satp": satp,
    "indiapoliceevents": indiapoliceevents,
    "muc4": muc4,
    "bellingcat": bellingcat,
    "statedept_hr_2022": statedept,
    "humset_geolocation": humset,
    "re3d": re3d,
    "disaster_response": disaster_response,
}
