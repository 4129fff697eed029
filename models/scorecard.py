"""An evaluation for people: Markdown tables, and plots as SVG that need no library and no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from models.labels import URGENCIES

WIDTH, HEIGHT, MARGIN = 420, 320, 48


def markdown(name: str, result: dict[str, Any]) -> str:
    """The figures of one set as Markdown tables."""
    lines = [f"### {name} ({result['reports']} reports)", "", "| figure | value | 95% interval |", "|---|---|---|"]
    for key, f in result["figures"].items():
        lines.append(f"| {key.replace('_', ' ')} | {_text(f['value'])} | {_text(f['low'])} to {_text(f['high'])} |")
    lines += ["", "| type | reports | precision | recall | F1 |", "|---|---|---|---|---|"]
    for key, v in result["per_label"].items():
        note = "" if v["reports"] >= 5 else " (too few to tell)"
        lines.append(
            f"| {key}{note} | {v['reports']} | {_text(v['precision'])} | {_text(v['recall'])} | {_text(v['f1'])} |"
        )
    kept = result["risk_coverage"]
    lines += ["", "| reports kept, surest first | " + " | ".join(kept) + " |", "|---|" + "---|" * len(kept)]
    lines.append("| wrong decisions among them | " + " | ".join(f"{v:.2%}" for v in kept.values()) + " |")
    lines += ["", "| urgency: labelled \\ decided | " + " | ".join(URGENCIES) + " |", "|---|" + "---|" * len(URGENCIES)]
    for level, row in zip(URGENCIES, result["urgency_confusion"], strict=True):
        lines.append(f"| {level} | " + " | ".join(str(count) for count in row) + " |")
    if result.get("claims"):
        lines += ["", "| mentioned without being reported | mentions | decided all the same |", "|---|---|---|"]
        lines += [f"| {status} | {row['mentions']} | {row['decided']} |" for status, row in result["claims"].items()]
    for title, slices in result.get("slices", {}).items():
        lines += ["", f"| by {title} | reports | micro F1 | urgency accuracy |", "|---|---|---|---|"]
        lines += [
            f"| {name} | {row['reports']} | {_text(row['micro_f1'])} | {_text(row['urgency_accuracy'])} |"
            for name, row in slices.items()
        ]
    lines += ["", "| probability said | cases | so it was |", "|---|---|---|"]
    lines += [f"| {row['said']:.3f} | {row['cases']:,} | {row['so']:.3f} |" for row in result["reliability"]]
    erased = result.get("erasure", {})
    if erased.get("cases"):
        lines += [
            "",
            f"Erasure of evidence ({erased['cases']} decisions): without its strongest sentence the probability falls by "
            f"{erased['median_drop_evidence']:.3f} (median), without a random other one by {erased['median_drop_random']:.3f}.",
        ]
    return "\n".join(lines) + "\n"


def comparison(name: str, new: Mapping[str, Any], old: Mapping[str, Any], difference: Mapping[str, float]) -> str:
    """Two versions side by side on one set, as a Markdown table."""
    lines = [f"### {name}: against the version in use", "", "| figure | in use | this one |", "|---|---|---|"]
    for key, figure in new["figures"].items():
        was, now = old["figures"][key]["value"], figure["value"]
        lines.append(f"| {key.replace('_', ' ')} | {_text(was)} | {_text(now)} |")
    for label, row in new["per_label"].items():
        was, now = old["per_label"][label]["f1"], row["f1"]
        if was != now:
            lines.append(f"| F1 of {label} ({row['reports']} reports) | {_text(was)} | {_text(now)} |")
    lines += [
        "",
        f"Micro F1 differs by {difference['value']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f}, "
        "95% by paired bootstrap over reports).",
    ]
    return "\n".join(lines) + "\n"


def plots(result: Mapping[str, Any]) -> dict[str, str]:
    """SVG documents by file name: reliability, risk against coverage, F1 by type."""
    bins = [(row["said"], row["so"]) for row in result["reliability"]]
    kept = [(float(share.rstrip("%")) / 100, risk) for share, risk in result["risk_coverage"].items()]
    top = max(0.01, *(risk for _, risk in kept)) * 1.2
    f1 = [(label, row["f1"]) for label, row in result["per_label"].items() if row["f1"] is not None]
    return {
        "reliability.svg": _curve("Reliability", bins, x="probability said", y="share that was so", diagonal=True),
        "risk-coverage.svg": _curve(
            "Wrong decisions by share of reports kept",
            kept,
            x="reports kept, surest first",
            y="wrong decisions",
            top=top,
        ),
        "f1-by-type.svg": _bars("F1 by type", f1),
    }


def _curve(
    title: str, points: Sequence[tuple[float, float]], *, x: str, y: str, top: float = 1.0, diagonal: bool = False
) -> str:
    def place(at: tuple[float, float]) -> str:
        return (
            f"{MARGIN + at[0] * (WIDTH - 2 * MARGIN):.1f},{HEIGHT - MARGIN - at[1] / top * (HEIGHT - 2 * MARGIN):.1f}"
        )

    line = " ".join(place(point) for point in points)
    dots = "".join('<circle cx="{}" cy="{}" r="3"/>'.format(*place(point).split(",")) for point in points)
    dashed = f'<polyline class="d" points="{place((0, 0))} {place((1, top))}"/>' if diagonal else ""
    ticks = "".join(
        f'<text x="{place((at, 0)).split(",")[0]}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{at:g}</text>'
        f'<text x="{MARGIN - 6}" y="{place((0, at * top)).split(",")[1]}" text-anchor="end">{at * top:.2g}</text>'
        for at in (0.0, 0.5, 1.0)
    )
    frame = f'<rect x="{MARGIN}" y="{MARGIN}" width="{WIDTH - 2 * MARGIN}" height="{HEIGHT - 2 * MARGIN}"/>'
    names = (
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x)}</text>'
        f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 {HEIGHT / 2})">{escape(y)}</text>'
    )
    return _svg(title, HEIGHT, f'{frame}{ticks}{names}{dashed}<polyline points="{line}"/>{dots}')


def _bars(title: str, values: Sequence[tuple[str, float]]) -> str:
    height = MARGIN + 20 * len(values) + 12
    rows = "".join(
        f'<text x="200" y="{MARGIN + 20 * i + 11}" text-anchor="end">{escape(name.replace("_", " "))}</text>'
        f'<rect class="b" x="206" y="{MARGIN + 20 * i}" width="{max(1.0, value * 170):.1f}" height="14"/>'
        f'<text x="{212 + value * 170:.1f}" y="{MARGIN + 20 * i + 11}">{value:.2f}</text>'
        for i, (name, value) in enumerate(values)
    )
    return _svg(title, height, rows)


def _svg(title: str, height: int, body: str) -> str:
    style = (
        "text{font:12px sans-serif;fill:#222}rect{fill:none;stroke:#999}.b{fill:#3b6ea5;stroke:none}"
        "polyline{fill:none;stroke:#3b6ea5;stroke-width:2}.d{stroke:#999;stroke-width:1;stroke-dasharray:4}"
        "circle{fill:#3b6ea5}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img"><title>{escape(title)}</title>'
        f'<style>{style}</style><rect style="fill:#fff;stroke:none" width="100%" height="100%"/>'
        f'<text x="{WIDTH / 2}" y="24" text-anchor="middle" style="font-weight:bold">{escape(title)}</text>{body}</svg>\n'
    )


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
