"""`make bench`: the figures of speed that the documents quote, peers side by side in one run.

Texts are synthetic with log-normal lengths (median 120 words). Rounds alternate between the runtimes,
so that a machine whose speed drifts treats them alike; ratios are medians over rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

WORDS = [
    "armed",
    "men",
    "soldiers",
    "village",
    "market",
    "hospital",
    "teachers",
    "abducted",
    "killed",
    "shelled",
    "yesterday",
    "friday",
    "road",
    "convoy",
    "aid",
    "families",
    "displaced",
    "police",
    "arrested",
    "journalist",
    "protest",
    "burnt",
    "houses",
    "farmers",
    "herders",
    "cattle",
    "women",
    "children",
    "near",
    "town",
    "district",
    "river",
    "bridge",
    "at",
    "dawn",
    "reported",
    "witness",
    "said",
    "that",
    "the",
    "and",
    "of",
    "in",
    "a",
    "to",
    "were",
    "was",
    "by",
    "from",
    "after",
    "before",
    "with",
    "no",
    "yet",
]
TOWNS = ["Gao", "Goma", "Bria", "Taizz", "Herat", "Kankara", "Rann", "Mindat", "Pibor", "Kutum"]


def texts(count: int) -> list[str]:
    """Synthetic reports; the same on every machine."""
    rng = random.Random(1)
    made = []
    for _ in range(count):
        words = max(15, min(600, int(rng.lognormvariate(4.79, 0.6))))
        body = " ".join(rng.choice(WORDS) if rng.random() > 0.04 else rng.choice(TOWNS) for _ in range(words))
        made.append(". ".join(body[i : i + 90].strip().capitalize() for i in range(0, len(body), 90)) + ".")
    return made


def encoder(count: int, rounds: int) -> dict[str, Any]:
    """Reports a second of a naive `transformers` pipeline and of our runtimes, and decisions that differ."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    import models
    from models.base import bundled_base
    from pipeline.classify import decide

    base = str(bundled_base())
    network = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=16, problem_type="multi_label_classification"
    )
    naive = pipeline(
        "text-classification", model=network, tokenizer=AutoTokenizer.from_pretrained(base), top_k=None, device="cpu"
    )
    ours = {p: models.load(device="cpu", precision=p) for p in ("fp32", "bf16")}
    sample = texts(count)
    torch.manual_seed(0)
    runners: dict[str, Callable[[], Any]] = {
        "transformers pipeline, batch 32, fp32": lambda: naive(sample, batch_size=32, truncation=True, max_length=256),
        "Sitrep, OpenVINO fp32": lambda: ours["fp32"].read(sample),
        "Sitrep, OpenVINO bf16": lambda: ours["bf16"].read(sample),
    }
    speeds: dict[str, list[float]] = {name: [] for name in runners}
    for run in runners.values():
        run()
    for _ in range(rounds):
        for name, run in runners.items():
            began = time.perf_counter()
            run()
            speeds[name].append(count / (time.perf_counter() - began))
    first = statistics.median(speeds["transformers pipeline, batch 32, fp32"])
    decisions = [
        [
            v.decided
            for t, r in zip(sample, model.read(sample), strict=True)
            for v in decide(r, text=t, rules=model.rules).violations
        ]
        for model in ours.values()
    ]
    flipped = sum(a != b for a, b in zip(*decisions, strict=True))
    return {
        "texts": count,
        "reports_per_second": {n: round(statistics.median(s), 1) for n, s in speeds.items()},
        "times_the_pipeline": {n: round(statistics.median(s) / first, 2) for n, s in speeds.items()},
        "decisions_flipped_by_bf16": f"{flipped} of {len(decisions[0])}",
        "note": "ours includes tokenising, pooling, evidence sentences and tags; the pipeline one head only",
    }


def whole(count: int) -> dict[str, Any]:
    """Submit, triage without Prefect, and the share of the encoder."""
    import models.runtime
    from flows.workspace import init_workspace, open_workspace, utc_now
    from pipeline.store import reports
    from pipeline.submit import submit
    from pipeline.triage import triage_chunk

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            for number, text in enumerate(texts(count)):
                row = {"id": f"b{number}", "text": text, "report_date": "2025-02-14", "country": "ML"}
                stream.write(json.dumps(row) + "\n")
        init_workspace(Path(folder) / "desk")
        opened = open_workspace(Path(folder) / "desk")
        opened.rooms.model.read(["ready"])
        began = time.perf_counter()
        submit(opened.store, [path], now=utc_now, limits=opened.limits)
        submitted = time.perf_counter() - began
        inside = [0.0]
        compute = type(opened.rooms.model).compute  # type: ignore[attr-defined]

        def timed(self: Any, ids: Any, attention: Any) -> Any:
            start = time.perf_counter()
            result = compute(self, ids, attention)
            inside[0] += time.perf_counter() - start
            return result

        type(opened.rooms.model).compute = timed  # type: ignore[attr-defined]
        began = time.perf_counter()
        with opened.store.read() as connection:
            chunks = reports.pending_chunks(connection, size=1000)
        for first, last in chunks:
            triage_chunk(opened.store, first, last, opened.rooms, now=utc_now)
        triaged = time.perf_counter() - began
        opened.store.dispose()
    assert models.runtime
    return {
        "reports": count,
        "submit_reports_per_second": round(count / submitted),
        "triage_reports_per_second": round(count / triaged, 1),
        "encoder_share_of_submit_and_triage": round(inside[0] / (submitted + triaged), 3),
    }


def starts() -> dict[str, float]:
    """Seconds of whole processes, median of five."""
    commands = {
        "sitrep --help": [sys.executable, "-m", "flows.cli", "--help"],
        "python -c 'import prefect'": [sys.executable, "-c", "import prefect"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(6):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            taken[name].append(time.perf_counter() - began)
    return {name: round(statistics.median(times[1:]), 2) for name, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reports", type=int, default=3000)
    given = parser.parse_args()
    print(
        json.dumps(
            {"start": starts(), "encoder": encoder(given.texts, given.rounds), "whole": whole(given.reports)}, indent=1
        )
    )


if __name__ == "__main__":
    main()
