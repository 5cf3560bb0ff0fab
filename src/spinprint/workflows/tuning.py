"""A sequence and a tuning file in; tables, the best settings and a report out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, ModelError
from ..files import check_output_folder, check_replaceable, output_errors, staging
from ..io import write_csv
from ..io.sidecar import has_keys, write_json
from ..sequence import Sequence
from ..tuning.config import MOST_TRIALS, TuneConfig, load_tuning
from ..tuning.matching import MatchingTask
from ..tuning.network import NetworkTask
from ..tuning.results import Trial, best_of, trial_table
from ..tuning.run import Tell, run_search
from ..tuning.task import Task
from .stages import StageDisplay, silent

if TYPE_CHECKING:
    from ..tuning.search import Search

TASKS: dict[str, Callable[[Sequence, TuneConfig], Task]] = {
    "network": NetworkTask.of,
    "matching": MatchingTask.of,
}
"""What can be tuned, by the name on the command line."""

BEST = "best.toml"

_TRIALS, _IMPORTANCES, _REPORT = "trials", "importances.json", "report.html"
_FILES = (BEST, f"{_TRIALS}.csv", f"{_TRIALS}.json", _IMPORTANCES, _REPORT)


@dataclass(frozen=True, eq=False, kw_only=True)
class TuneResult:
    """What a search found and wrote."""

    best: Path
    """The best settings, as a file that a command takes."""
    trials: tuple[Trial, ...]
    """Every trial."""
    remarks: tuple[str, ...]
    """What the user should know, a sentence each."""


def tune(
    sequence: Sequence,
    out: Path,
    config_path: Path | None = None,
    trials: int | None = None,
    *,
    what: str = "network",
    workers: int = 1,
    storage: str | None = None,
    stage: StageDisplay = silent,
    tell: Tell | None = None,
) -> TuneResult:
    """Search for good settings; arguments as on the command line.

    Writes `trials.csv`, `trials.json`, `importances.json`, `best.toml` and `report.html`: all, or
    nothing. A search that was stopped is taken up again by the same call.

    Raises
    ------
    InputError
        Something given cannot be used, or no trial could be finished.
    """
    config = load_tuning(config_path) if config_path else TuneConfig()
    if trials is not None:
        if not 1 <= trials <= MOST_TRIALS:
            raise ModelError(f"--trials = {trials} must be from 1 to {MOST_TRIALS}")
        config = config.model_copy(update={"trials": trials})
    check_output_folder(out)
    check_replaceable(out, _FILES, lambda: _earlier(out))
    task = _task(what, sequence, config, config_path)
    with stage(f"Tuning {what}") as progress, output_errors(out):
        search = run_search(
            out, task, config, workers=workers, database=storage, progress=progress, tell=tell
        )
    found = search.trials()
    best = best_of(found)
    if best is None:
        reason = next((trial.remark for trial in found if trial.remark), "all were given up")
        raise ModelError(f"{out}: none of {len(found)} trials was finished: {reason}")
    provenance = _provenance(sequence, what, config, config_path)
    with (
        stage("Writing tables and report"),
        staging(out, run="tuning", earlier=lambda: _earlier(out)) as folder,
    ):
        _write(folder, search, found, best, what, provenance)
    return TuneResult(best=out / BEST, trials=tuple(found), remarks=_remarks(found, best, config))


def _task(what: str, sequence: Sequence, config: TuneConfig, path: Path | None) -> Task:
    if what not in TASKS:
        raise ModelError(f"--what {what!r} must be one of {', '.join(TASKS)}")
    try:
        return TASKS[what](sequence, config)
    except InputError as error:
        raise type(error)(f"{path}: {error}" if path else str(error)) from None


def _remarks(found: list[Trial], best: Trial, config: TuneConfig) -> tuple[str, ...]:
    told = [f"Trial {best.number} of {len(found)} is best: error {best.error:.4g}."]
    if len(found) < config.trials:
        told.append(
            f"{len(found)} of {config.trials} trials are done: the others are at work in other"
            " processes, or nothing else is left to try."
        )
    return tuple(told)


def _provenance(
    sequence: Sequence, what: str, config: TuneConfig, path: Path | None
) -> dict[str, Any]:
    validation = config.base.validation
    return {
        "tuned": what,
        "sequence": sequence.name,
        "tuning file": str(path) if path else "none: the default space",
        "seed of the proposals": config.seed,
        "seed of tissue and noise": config.base.seed,
        "voxels at each ratio": validation.voxels,
        "ratios [dB]": [f"{snr:g}" for snr in validation.snr_db],
        "prior": "default" if config.base.prior is None else "of the base",
    }


def _write(
    folder: Path,
    search: Search,
    found: list[Trial],
    best: Trial,
    what: str,
    provenance: dict[str, Any],
) -> None:
    """Write everything into a folder."""
    from ..report import write_page
    from ..report.tuning import tuning_page

    rows = trial_table(found, search.task.objectives)
    importances = search.importances()
    curves = {str(trial.number): [list(point) for point in trial.curve] for trial in found}
    write_csv(folder / f"{_TRIALS}.csv", rows)
    write_json(
        folder / f"{_TRIALS}.json",
        {"Provenance": provenance, "Best": best.number, "Rows": rows, "Curves": curves},
    )
    write_json(
        folder / _IMPORTANCES,
        {"Method": "PED-ANOVA (Watanabe et al., IJCAI 2023)", "Importances": importances},
    )
    (folder / BEST).write_text(search.task.best(best.chosen), encoding="utf-8")
    sought = "a network" if what == "network" else "a dictionary"
    page = tuning_page(
        found,
        importances,
        title=f"Search for {sought}",
        subtitle=f"Settings of {sought} for {provenance['sequence']}, tried and compared.",
        provenance=provenance,
    )
    write_page(page, folder / _REPORT)


def _earlier(out: Path) -> list[Path]:
    """What an earlier call wrote, where its trials say that there was one."""
    from ..tuning.search import WORKERS  # with optuna, which takes its time

    trials = ("Provenance", "Best", "Rows", "Curves")
    if not ((out / WORKERS).is_dir() or has_keys(out / f"{_TRIALS}.json", trials)):
        return []
    return [out / name for name in _FILES]
