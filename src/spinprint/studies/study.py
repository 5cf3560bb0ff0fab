"""What a study is made of, and how it is run: step by step, on from where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from ..errors import InputError
from ..files import check_output_folder, check_replaceable, claim, staging
from ..parallel import Progress
from ..records import plain
from ..report import Page, Section, Verdict, Verdicts, write_markdown, write_page
from ..workflows.stages import StageDisplay, silent
from .results import FILE, Results

if TYPE_CHECKING:
    from ..networks.model import Model
    from ..sequence import Sequence
    from ..training.config import TrainConfig

SCALES = ("smoke", "quick", "full")
"""How much is done: in under 2 minutes, in under 30 (both on 2 cores), or in hours."""

_CAUTION = " This was a smoke run: it shows that all of it works, and is too small for any verdict."

_RUN = "study"  # what its files are known as in their folder
_REPORT, _TABLES = "report.html", "tables.md"

Scale = TypeVar("Scale")
"""The sizes of a study, a frozen dataclass of plain values."""

Found = Mapping[str, Any]
"""What a step found: plain values, arrays and dataclasses of them."""


@dataclass(frozen=True, kw_only=True)
class Study(Generic[Scale]):
    """A paper's experiment: sizes, steps that measure, and a page made from their numbers alone."""

    name: str
    """The name on the command line."""
    title: str
    """The heading of its page."""
    paper: str
    """What is tested: authors, title, where."""
    scales: Mapping[str, Scale]
    """Its sizes at each of `SCALES`."""
    cost: Callable[[Scale], str]
    """What a run costs, told before it begins."""
    measure: Callable[[Run[Scale]], None]
    """Does all steps."""
    report: Callable[[Mapping[str, Any], Scale], tuple[Section, ...]]
    """Sections of the page from what the steps found, by their name; the verdicts first."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Run(Generic[Scale]):
    """A study at work in a folder."""

    scale: Scale
    """Its sizes."""
    seed: int
    """What all random numbers follow from."""
    folder: Path
    """Where everything is written."""
    results: Results
    """What was found so far."""
    stage: StageDisplay
    """Shows the steps."""

    def step(self, name: str, work: Callable[[Progress], Found]) -> Any:
        """What a step finds, as plain values; a step that was finished before is not repeated.

        Parameters
        ----------
        name
            Its name, unique in the study.
        work
            Does it; it is given a progress to call, and may read what the run already found.
        """
        if name not in self.results.steps:
            begun = time.monotonic()
            with self.stage(name) as progress:
                found = work(progress)
            self.results.keep(name, found, time.monotonic() - begun)
        return self.results.steps[name]

    def train(
        self, name: str, sequence: Sequence, config: TrainConfig, progress: Progress | None = None
    ) -> Model:
        """A network trained in `models/NAME`; where it was trained before, it is read.

        Raises
        ------
        ModelError
            The folder holds a training of other settings.
        """
        from ..training.loop import train

        return train(sequence, config, self.folder / "models" / name, progress=progress)

    def seeds(self, n: int) -> list[int]:
        """Seeds of n repeats; those of fewer repeats are the first ones of more."""
        return [int(one) for one in np.random.SeedSequence(self.seed).generate_state(n)]

    def place(self, name: str) -> Path:
        """A folder for files that outlive a step, as the blocks of a Monte Carlo."""
        return self.folder / name


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """What a study left."""

    report: Path
    """The page."""
    tables: Path
    """Its text and tables as Markdown."""
    verdicts: tuple[Verdict, ...]
    """The claims, judged."""


def run_study(
    study: Study[Any],
    out: str | Path,
    *,
    scale: str = "quick",
    seed: int = 0,
    stage: StageDisplay = silent,
    tell: Callable[[str], None] = lambda _: None,
) -> StudyResult:
    """Run a study; stopped at any moment and called again alike, it goes on where it was.

    Writes `results.json` (every number, by step, with the settings and their SHA-256),
    `report.html`, `tables.md` and `models/`.

    Parameters
    ----------
    study
        The study.
    out
        Its folder.
    scale
        One of `SCALES`.
    seed
        What all random numbers follow from.
    stage
        Shows the steps.
    tell
        Told what the run costs before it begins.

    Raises
    ------
    InputError
        The scale is unknown, the seed negative, or the folder holds another study, scale or seed.
    OutputError
        The folder cannot be written.
    """
    out = Path(out)
    if scale not in study.scales:
        raise InputError(f"scale {scale!r} must be one of {', '.join(study.scales)}")
    if seed < 0:
        raise InputError(f"seed {seed} must not be negative")
    check_output_folder(out)
    with claim(out, _RUN):
        # What lies beside results of this study, an earlier call wrote.
        earlier = [out / _REPORT, out / _TABLES] if (out / FILE).exists() else []
        check_replaceable(out, (_REPORT, _TABLES), lambda: earlier)
        sizes = study.scales[scale]
        settings = {"study": study.name, "scale": scale, "sizes": plain(sizes), "seed": seed}
        results = Results.open(out, settings)
        tell(f"{study.name}, scale {scale}: {study.cost(sizes)}")
        study.measure(Run(scale=sizes, seed=seed, folder=out, results=results, stage=stage))
        page = study_page(study, scale, seed, results)
        with (
            stage("Writing the report"),
            staging(out, run=_RUN, earlier=lambda: earlier) as folder,
        ):
            write_page(page, folder / _REPORT)
            write_markdown(page, folder / _TABLES)
        verdicts = tuple(verdicts_of(page))
        return StudyResult(report=out / _REPORT, tables=out / _TABLES, verdicts=verdicts)


def study_page(study: Study[Any], scale: str, seed: int, results: Results) -> Page:
    """The page of a finished study."""
    return Page(
        title=study.title,
        subtitle=study.paper + (_CAUTION if scale == "smoke" else ""),
        sections=study.report(results.steps, study.scales[scale]),
        provenance={
            "command": f"spinprint study {study.name} --scale {scale} --seed {seed}",
            "scale": scale,
            "seed": seed,
            "settings": f"SHA-256 {results.digest}",
            "sizes": plain(study.scales[scale]),
            "time": f"{sum(results.seconds.values()) / 60:.1f} min",
        },
    )


def verdicts_of(page: Page) -> Iterator[Verdict]:
    """All judged claims of a page."""
    for section in page.sections:
        for part in section.parts:
            if isinstance(part, Verdicts):
                yield from part.rows
