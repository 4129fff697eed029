"""The model: one small multi-task transformer, its runtimes, training, evaluation and versions.

>>> model = load()                                                                  # doctest: +SKIP
>>> model.read(["Armed men took eleven of our people on the Kankara road."])[0].urgency  # doctest: +SKIP
{'critical': 0.91, 'high': 0.07, 'medium': 0.01, 'low': 0.01}
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pipeline.classify import ReportModel


def load(
    version: str | Path | None = None,
    *,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    threads: int | None = None,
) -> ReportModel:
    """A model ready to read: a shipped version by name, a folder, or by default the newest shipped one.

    The GPU runtime is taken where torch sees a GPU (or `device="cuda"`), else the CPU runtime, which
    imports neither torch nor transformers and uses so many `threads`, by default one for every core. Raises ModelError
    where files are missing or altered.
    """
    from models.registry import find

    folder = find(version)
    if device == "cuda" or (device == "auto" and _gpu_present()):
        from models.gpu import TorchModel

        return TorchModel.load(folder, device="cuda", precision=precision)
    from models.cpu import OpenVinoModel

    return OpenVinoModel.load(folder, precision=precision, threads=threads)


def _gpu_present() -> bool:
    """Whether an NVIDIA driver is there, told without the second that importing torch takes."""
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()
