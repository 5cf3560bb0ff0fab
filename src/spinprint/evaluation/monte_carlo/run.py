"""Running a study block by block, resumed from where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...estimators import Estimator, PosteriorMean
from ...parallel import Progress
from ._store import Store
from .outcome import Outcome
from .plan import Block, MonteCarlo


def run_monte_carlo(
    plan: MonteCarlo,
    estimators: Mapping[str, Estimator],
    *,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    log: Callable[[str], None] | None = None,
) -> Outcome:
    """Run all estimators on the same noisy signals.

    Parameters
    ----------
    plan
        Tissue, ratios and noise.
    estimators
        Estimators of the plan's sequence by name.
    folder
        Where finished blocks are kept, so that a run that was stopped, for whatever reason, resumes
        there; None keeps them in memory only.
    progress
        Called with the number of fits done and their total, after every block.
    log
        Called with a sentence on the cost: before any work the number of fits, after the first
        block the time that is left.

    Raises
    ------
    InputError
        There is no estimator, or an estimator maps no parameter of the plan's prior; or the folder
        holds another study.
    OutputError
        The folder cannot be written.
    """
    if not estimators:
        raise InputError("Monte Carlo without estimators: name at least one")
    log = log or (lambda _: None)
    log(_cost(plan, len(estimators)))
    stated = {name: _provenance(plan, name, each) for name, each in estimators.items()}
    settings = {**plan.to_dict(), "estimators": stated}
    store = None if folder is None else Store.open(folder, settings)
    blocks: list[Mapping[str, NDArray[Any]]] = []
    done, fitted, spent = 0, 0, 0.0
    total = plan.fits_each * len(estimators)
    for block in plan.blocks():
        arrays = store.read(block) if store else None
        fits = (block.stop - block.start) * plan.draws * len(estimators)
        if arrays is None:
            begun = time.perf_counter()
            arrays = _estimate(plan, block, estimators)
            if store:
                store.write(block, arrays)
            spent += time.perf_counter() - begun
            fitted += fits
            if fitted == fits:
                log(_time_left(spent / fits * (total - done - fits)))
        blocks.append(arrays)
        done += fits
        if progress:
            progress(done, total)
    return Outcome.of_blocks(plan, tuple(estimators), _posterior(plan, estimators), blocks)


def _estimate(
    plan: MonteCarlo, block: Block, estimators: Mapping[str, Estimator]
) -> dict[str, NDArray[Any]]:
    """Sigma and all estimates of a block, by kind and index of the estimator."""
    series, sigma = plan.series(block)
    arrays: dict[str, NDArray[Any]] = {"sigma": sigma}
    known = _known(plan, block, sigma, series.shape[1])
    nothing = np.full(series.shape[:2], np.nan, np.float32)
    for i, estimator in enumerate(estimators.values()):
        maps = estimator.predict(series, **known)
        names = plan.coordinates.names
        arrays[f"values_{i}"] = np.stack([maps.values.get(n, nothing) for n in names], axis=-1)
        arrays[f"sd_{i}"] = np.stack([maps.sd.get(n, nothing) for n in names], axis=-1)
        arrays[f"status_{i}"] = maps.status
    return arrays


def _known(plan: MonteCarlo, block: Block, sigma: NDArray[Any], draws: int) -> dict[str, Any]:
    """What estimators are given of a block besides the series, `(tissue, draw)` each."""
    known = {name: plan.tissue.get(name)[block.start : block.stop] for name in plan.known}
    if plan.sigma_known:
        known["sigma"] = sigma
    return {name: np.repeat(values[:, None], draws, axis=1) for name, values in known.items()}


def _provenance(plan: MonteCarlo, name: str, estimator: Estimator) -> dict[str, Any]:
    """The provenance of an estimator, which identifies it where a study is resumed."""
    first = Block(0, 0, 0, 1)
    series, sigma = plan.series(first)
    maps = estimator.predict(series[:, :1], **_known(plan, first, sigma, 1))
    if not set(maps) & set(plan.coordinates.names):
        raise InputError(
            f"the estimator {name!r} maps {', '.join(maps)}, and the prior is of"
            f" {', '.join(plan.coordinates.names)}: they share no parameter"
        )
    return dict(maps.provenance)


def _posterior(plan: MonteCarlo, estimators: Mapping[str, Estimator]) -> str | None:
    """The first estimator that is the posterior mean of the plan's prior."""
    expected = plan.prior.to_dict()
    for name, estimator in estimators.items():
        if isinstance(estimator, PosteriorMean) and estimator.assumed.to_dict() == expected:
            return name
    return None


def _cost(plan: MonteCarlo, n: int) -> str:
    return (
        f"{plan.fits_each * n} fits: {len(plan.snrs_db)} ratios x {plan.tissue.size} tissues x"
        f" {plan.draws} noise draws x {n} estimators"
    )


def _time_left(seconds: float) -> str:
    if seconds < 90:
        return f"about {seconds:.0f} s left"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min left"
    return f"about {seconds / 3600:.1f} h left"
