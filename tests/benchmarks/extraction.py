"""`python tests/benchmarks/extraction.py`: what extraction costs beside the encoder, look-ups, and an import.

In seconds of processor time, so that a busy machine does not blur them. The encoder uses all cores and
extraction one; `extraction_to_encoder` sets one against the other as on an idle machine, by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def extraction(reports: int, repeat: int) -> dict[str, Any]:
    """The encoder's pass over our own reports, and places, actors, dates and counts on its tags."""
    import corpora
    import models
    from pipeline.extract import Extractor, find_counts, find_dates
    from pipeline.extract.actors import find_actors
    from pipeline.extract.places import find_places

    sample = corpora.load("authored")[:reports]
    texts = [e.text for e in sample]
    model, gazetteer = models.load(device="cpu"), Extractor().gazetteer
    tags = [reading.tags for reading in model.read(texts)]
    countries = [e.country for e in sample]
    days = [e.report_date for e in sample]

    def places() -> None:
        for remembered in (gazetteer.candidates, gazetteer.exact, gazetteer.may_be_country):
            remembered.cache_clear()  # every batch begins with names that were not looked up
        for text, found, country in zip(texts, tags, countries, strict=True):
            find_places(text, tags=found, gazetteer=gazetteer, country=country)

    def actors() -> None:
        for text, found, day, country in zip(texts, tags, days, countries, strict=True):
            find_actors(text, tags=found, report_date=day, country=country)

    def dates() -> None:
        for text, found, day in zip(texts, tags, days, strict=True):
            find_dates(text, report_date=day, tags=found)

    def counts() -> None:
        for text in texts:
            find_counts(text)

    work = {"encoder": lambda: model.read(texts), "places": places, "actors": actors, "dates": dates, "counts": counts}
    seconds = {name: _seconds(run, repeat) for name, run in work.items()}
    clock = seconds["encoder"] / (os.cpu_count() or 1)
    return {
        "reports": len(texts),
        "processor_ms_per_report": {name: round(1000 * s / len(texts), 3) for name, s in seconds.items()},
        "extraction_to_encoder": round(sum(s for name, s in seconds.items() if name != "encoder") / clock, 3),
    }


def look_ups(count: int) -> dict[str, Any]:
    """Milliseconds of a look-up by exact name and with a slip in it, on the built-in gazetteer, nothing remembered."""
    from pipeline.extract import default_gazetteer

    gazetteer, rng = default_gazetteer(), random.Random(1)
    query = "SELECT name FROM place WHERE kind = 'place' AND length(name) BETWEEN 6 AND 20 ORDER BY id LIMIT ?"
    names = [row[0] for row in gazetteer._connection.execute(query, (count * 20,))][::20]

    def slip(name: str) -> str:
        at = rng.randrange(1, len(name) - 1)
        forms = (
            name[:at] + name[at + 1 :],
            name[:at] + "x" + name[at:],
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        )
        return rng.choice(forms)

    figures = {}
    for kind, asked in (("exact", names), ("slip", [slip(name) for name in names])):
        taken, found = [], 0
        for name, query_name in zip(names, asked, strict=True):
            began = time.thread_time()
            candidates = gazetteer._candidates(query_name)
            taken.append(1000 * (time.thread_time() - began))
            found += any(c.name == name for c in candidates)
        cuts = statistics.quantiles(taken, n=100)
        figures[kind] = {
            "mean": round(statistics.mean(taken), 3), "p95": round(cuts[94], 3), "p99": round(cuts[98], 3),
            "found": round(found / len(names), 3),
        }  # fmt: skip
    return figures


def geonames(rows: int) -> dict[str, Any]:
    """An import of a synthetic dump with alternate names: rows a second, memory, size."""
    from pipeline.extract.gazetteer.geonames import import_geonames

    rng = random.Random(7)
    syllables = [
        a + b
        for a in [
            "b",
            "d",
            "f",
            "g",
            "h",
            "j",
            "k",
            "l",
            "m",
            "n",
            "p",
            "r",
            "s",
            "t",
            "w",
            "y",
            "z",
            "ch",
            "kh",
            "sh",
            "al",
        ]
        for b in ["a", "e", "i", "o", "u", "ai", "an", "en", "ir", "or", "um", "ak"]
    ]

    def name() -> str:
        return "".join(rng.choice(syllables) for _ in range(rng.randint(2, 5))).capitalize()

    with tempfile.TemporaryDirectory() as folder:
        dump, alternates, out = (Path(folder) / n for n in ("allCountries.txt", "alternateNamesV2.txt", "g.sqlite"))
        with dump.open("w", encoding="utf-8") as places, alternates.open("w", encoding="utf-8") as names:
            for ident in range(20_000_001, 20_000_001 + rows):
                others = ",".join(name() for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 4))))
                feature = rng.choice(
                    ["P\tPPL"] * 11 + ["S\tSCH"] * 4 + ["H\tSTM"] * 2 + ["T\tMT", "L\tAREA", "A\tADM3"]
                )
                main, lat, lon = name(), rng.uniform(-35, 50), rng.uniform(-75, 95)
                places.write(
                    f"{ident}\t{main}\t{main}\t{others}\t{lat:.5f}\t{lon:.5f}\t{feature}\tML\t\t04\t\t\t\t0\t\t\t\t2025-01-01\n"
                )
                names.write(f"{ident}\t{ident}\tfr\t{name()}\t\t\t\t\t\t\n")
        began = time.process_time()
        import_geonames(dump, out=out, alternates=alternates)
        seconds = time.process_time() - began
        return {
            "places": rows, "places_per_processor_second": round(rows / seconds),
            "minutes_for_12_million": round(12_000_000 / rows * seconds / 60, 1),
            "mebibytes_per_million": round(out.stat().st_size / 2**20 / rows * 1e6),
            "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }  # fmt: skip


def _seconds(run: Callable[[], object], repeat: int) -> float:
    taken = []
    for _ in range(repeat):
        began = time.process_time()
        run()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=400)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--names", type=int, default=3000)
    parser.add_argument("--rows", type=int, default=0, help="Rows of a synthetic dump to import; none by default.")
    given = parser.parse_args()
    # The import first: what the others load must not count as its memory.
    figures = {"import": geonames(given.rows)} if given.rows else {}
    print(
        json.dumps(
            figures | {"extraction": extraction(given.reports, given.repeat), "look_ups_ms": look_ups(given.names)},
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
