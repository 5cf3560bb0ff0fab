"""Rewrite the tables of README.md from the results: `python benchmarks/table.py`.

One table a benchmark, machine and set of options: that of the latest run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MARKERS = "<!-- made by table.py -->", "<!-- end -->"
HEAD = ("work", "ratio", "of fastest", "at least", "aim", "spinprint", "the other", "peak")


def main() -> None:
    """Rewrite the section between the markers."""
    readme = HERE / "README.md"
    files = sorted((HERE / "results").glob("*.jsonl"))
    tables = "\n\n".join(text for file in files for text in tables_of(file))
    section = "\n\n".join((MARKERS[0], tables, MARKERS[1]))
    pattern = re.compile(f"{re.escape(MARKERS[0])}.*{re.escape(MARKERS[1])}", re.DOTALL)
    readme.write_text(pattern.sub(lambda _: section, readme.read_text("utf-8")), "utf-8")
    print(readme)


def tables_of(file: Path) -> list[str]:
    """The tables of a benchmark."""
    lines = file.read_text("utf-8").splitlines()
    latest = {}
    for entry in map(json.loads, lines):
        machine = entry["machine"]["cpu"], entry["machine"]["cores"]
        latest[json.dumps([machine, entry["options"]])] = entry
    return [table(file.stem, entry) for entry in latest.values()]


def table(benchmark: str, entry: dict[str, Any]) -> str:
    """A run: its options, its ratios, and what it measured beside them."""
    machine = entry["machine"]
    options = ", ".join(f"{name} {value}" for name, value in entry["options"].items())
    versions = ", ".join(f"{name} {value}" for name, value in entry["versions"].items())
    compares = "ratio" in entry["rows"][0]
    head = HEAD if compares else tuple(entry["rows"][0])
    rows = [cells(one) if compares else plain(one) for one in entry["rows"]]
    return "\n".join(
        [
            f"### `{benchmark}.py`: {machine['cpu']}, {machine['cores']} cores",
            "",
            f"{options}. Commit {entry['commit']}, {entry['date'][:10]}. Other processes used"
            f" {machine['cores_of_others']:.2f} cores meanwhile. {versions}",
            "",
            line(head),
            line(["---"] * len(head)),
            *(line(one) for one in rows),
            "",
            *(f"- {text}" for text in beside(entry)),
        ]
    ).rstrip()


def plain(one: dict[str, Any]) -> tuple[str, ...]:
    """A row of a benchmark that compares spinprint with itself."""
    return tuple(
        f"{value:.3g}" if isinstance(value, float) else str(value) for value in one.values()
    )


def cells(one: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table."""
    return (
        one["work"],
        f"**{one['ratio']:.1f}** x {one['against']}",
        f"{one['ratio_of_fastest']:.1f}",
        f"{one['at_least']:g}",
        f"{one['aim']:g}",
        f"{one['rate']:,.0f} {one['items']}/s",
        f"{one['rate_against']:,.0f} {one['items']}/s",
        f"{one['share_of_peak']:.0%}",
    )


def beside(entry: dict[str, Any]) -> list[str]:
    """What a run measured beside its ratios."""
    said = []
    if "peak_flops" in entry:
        said.append(
            f"multiply-add peak {entry['peak_flops'] / 1e9:.0f} billion operations a second"
        )
    if "compile_seconds" in entry:
        calls = (f"{call} call {one:.2f} s" for call, one in entry["compile_seconds"].items())
        said.append("in a fresh process: " + "; ".join(calls))
    if "differences" in entry:
        pairs = (f"{name} {one:.1e}" for name, one in entry["differences"].items())
        said.append("difference relative to the peak: " + ", ".join(pairs))
    for name, held in entry.get("memory_bytes", {}).items():
        parts = (f"{size / 1e6:.0f} MB {what}" for what, size in held.items() if what != "peak")
        said.append(f"{name} held {held['peak'] / 1e6:.0f} MB at its peak, {', '.join(parts)}")
    if "train_seconds" in entry:
        said.append(f"trained in {entry['train_seconds']:.0f} s")
    if "matches" in entry:
        said.append("{ties} of {voxels} voxels tie between two atoms".format(**entry["matches"]))
    return said


def line(texts: Iterable[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(texts) + " |"


if __name__ == "__main__":
    main()
