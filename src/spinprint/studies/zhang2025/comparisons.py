"""The three comparisons of `zhang2025`: synthetic signals, the NIST phantom, and knees."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...estimators import Estimator
from ...evaluation import erode_labels, region_means
from ...evaluation.agreement import agree, agreement_table, repeatability, signed_rank
from ...evaluation.monte_carlo import (
    MonteCarlo,
    Outcome,
    contrast_estimators,
    run_monte_carlo,
    score_estimators,
    score_table,
    shrinkage,
)
from ...maps import UNITS, Maps, Status
from ...parallel import Progress
from ...simulation.phantoms import cartilage_regions
from ...simulation.phantoms.knee_anatomy import CARTILAGE
from ...simulation.phantoms.nist import SPHERES, sphere_values
from ...workflows.simulation import Simulation, simulate_phantom
from ..study import Run
from .setting import (
    B1,
    BAYES,
    NETWORK,
    PARAMETERS,
    PLAIN,
    PRIOR,
    SEQUENCE,
    TUNED,
    Estimators,
    tissue_groups,
)
from .sizes import Sizes

SNRS_DB = (5.0, 10.0, 20.0, 30.0, 40.0)
"""Ratios of the synthetic comparison, rms convention [dB]."""

PHANTOM_DB, KNEE_DB = 30.0, 20.0
"""Ratios of the phantom's and the knees' series, medians over all that gives signal [dB]."""

WHOLE = "cartilage"
"""All cartilage of a knee."""

_REPORTED = ("bias", "bias_percent", "sd", "rmse", "mape", "scaled_mse", "rmse_over_bound",
             "mse_over_bayes_risk", "coverage", "failed")  # fmt: skip

Array = NDArray[np.float64]


def synthetic(run: Run[Sizes], estimators: Estimators, progress: Progress) -> dict[str, Any]:
    """All estimators on the same noisy signals of tissue off every grid, by group of tissue."""
    sizes = run.scale
    groups = tissue_groups(sizes.tissues, np.random.default_rng([run.seed, 1]))
    found = {}
    for number, (name, tissue) in enumerate(groups.items()):
        plan = MonteCarlo(
            sequence=SEQUENCE, prior=PRIOR, tissue=tissue, snrs_db=SNRS_DB, draws=sizes.draws,
            seed=run.seed, known=("b1",), block=512,
        )  # fmt: skip
        compared: dict[str, Estimator] = {**estimators.practical, BAYES: estimators.bayes}
        folder = run.place("monte-carlo") / str(number)
        outcome = run_monte_carlo(plan, compared, folder=folder, progress=progress)
        rows = [one for one in score_table(score_estimators(outcome, seed=run.seed))
                if one["measure"] in _REPORTED]  # fmt: skip
        found[name] = {
            "scores": rows,
            "contrasts": [
                one
                for other in (TUNED, PLAIN)
                for one in contrast_estimators(outcome, NETWORK, other, seed=run.seed)
            ],
            "at an edge": _marked(outcome),
            "bound": _bound(outcome),
        }
        if number == 0:
            found[name]["shrinkage"] = shrinkage(outcome, seed=run.seed)
    return found


def _marked(outcome: Outcome) -> dict[str, list[float]]:
    """Share of estimates that say the truth may lie beyond the range, by ratio."""
    return {
        name: np.mean(one.status == Status.AT_EDGE, axis=(1, 2)).tolist()
        for name, one in outcome.estimates.items()
    }


def _bound(outcome: Outcome) -> dict[str, Array]:
    """Mean |relative error| of unbiased normal estimates at the Cramér-Rao bound [%], by ratio.

    Tissue of which a parameter cannot be told is left out.
    """
    relative = 100 * outcome.bound / outcome.truth * math.sqrt(2 / math.pi)
    told = np.where(np.isfinite(relative), relative, np.nan)
    return dict(zip(outcome.parameters, np.nanmean(told, axis=1).T, strict=True))


def nist_phantom(run: Run[Sizes], estimators: Estimators) -> dict[str, Any]:
    """Means over the inner voxels of every sphere of known T1 and T2.

    T1rho = T2 is our assumption: none is published.
    """
    made = simulate_phantom(
        SEQUENCE, "nist", snr_db=PHANTOM_DB, seed=run.seed, matrix=max(96, run.scale.matrix),
        b1_range=(B1.low, B1.high),
    )  # fmt: skip
    truth = sphere_values()
    labels = erode_labels(made.phantom.labels, 1, made.phantom.affine)
    maps = _map(made, estimators.practical, np.isin(labels, list(truth)))
    regions = {str(label): (label,) for label in truth}
    means = {
        name: {p: region_means(one[p], labels, regions) for p in PARAMETERS}
        for name, one in maps.items()
    }
    spheres = [
        {
            "array": SPHERES[label].array,
            "sphere": SPHERES[label].index,
            "inside": all(
                PRIOR.laws[p].low <= getattr(values, p) <= PRIOR.laws[p].high for p in PARAMETERS
            ),
            "voxels": int((labels == label).sum()),
            "truth": {p: getattr(values, p) for p in PARAMETERS},
            **{name: {p: means[name][p][str(label)] for p in PARAMETERS} for name in maps},
        }
        for label, values in truth.items()
    ]
    tables = {
        array: {name: _sphere_agreement(spheres, array, name, run.seed) for name in maps}
        for array in ("t1", "t2")
    }
    return {"spheres": spheres, "agreement": tables, "sigma": made.sigma, "snr_db": made.snr_db}


def sphere_pairs(
    spheres: Sequence[Mapping[str, Any]], array: str, estimator: str
) -> dict[str, tuple[Array, Array]]:
    """Statistic and truth of the spheres of an array within the prior, `(sphere,)` [s]."""
    chosen = [one for one in spheres if one["array"] == array and one["inside"]]

    def values(key: str, parameter: str) -> Array:
        return np.array([one[key][parameter] for one in chosen], dtype=float)

    return {p: (values(estimator, p), values("truth", p)) for p in PARAMETERS}


def _sphere_agreement(
    spheres: list[dict[str, Any]], array: str, estimator: str, seed: int
) -> list[dict[str, Any]]:
    pairs = sphere_pairs(spheres, array, estimator)
    return agreement_table(agree(pairs, "regions", seed=seed), UNITS)


def knees(run: Run[Sizes], estimators: Estimators, progress: Progress) -> dict[str, Any]:
    """Regional means of cartilage of every volunteer on two visits, borders included."""
    regions = {**cartilage_regions(), WHOLE: CARTILAGE}
    sizes = run.scale
    names = (*estimators.practical, "truth")
    shape = (len(PARAMETERS), len(regions), sizes.volunteers, 2)
    means = {name: np.full(shape, np.nan) for name in names}
    for number in range(2 * sizes.volunteers):
        volunteer, visit = divmod(number, 2)
        made = simulate_phantom(
            SEQUENCE, "knee", snr_db=KNEE_DB, seed=run.seed, matrix=sizes.matrix,
            volunteer=volunteer, rescan=bool(visit), b1_range=(B1.low, B1.high),
        )  # fmt: skip
        labels = made.phantom.labels
        inside = np.isin(labels, CARTILAGE)
        maps: dict[str, Mapping[str, Any]] = {
            **{name: one.values for name, one in _map(made, estimators.practical, inside).items()},
            "truth": made.phantom.truth(PARAMETERS),
        }
        for name, values in maps.items():
            for p, parameter in enumerate(PARAMETERS):
                found = region_means(values[parameter], labels, regions)
                means[name][p, :, volunteer, visit] = list(found.values())
        progress(number + 1, 2 * sizes.volunteers)
    return {
        "regions": list(regions),
        "means": {name: dict(zip(PARAMETERS, one, strict=True)) for name, one in means.items()},
        "differences": {
            other: differences(means[NETWORK], means[other], list(regions), run.seed)
            for other in (TUNED, PLAIN, "truth")
        },
        "repeatability": {
            name: [
                {"parameter": parameter, "region": region,
                 "wcv": repeatability(one[p, r], seed=run.seed).within_cv_percent}
                for p, parameter in enumerate(PARAMETERS)
                for r, region in enumerate(regions)
            ]
            for name, one in means.items()
        },
    }  # fmt: skip


def differences(first: Array, second: Array, regions: list[str], seed: int) -> list[dict[str, Any]]:
    """Paired tests of first minus second on the first visit.

    Over all cartilage the parameters are adjusted for together (Holm); the single plates, all
    parameters of them, are a family of their own.

    Parameters
    ----------
    first, second
        Regional means, `(parameter, region, volunteer, visit)` [s].
    regions
        Names of the regions.
    seed
        Of the bootstrap of the medians.
    """
    rows = []
    for whole in (True, False):
        pairs, percent = {}, {}
        for p, parameter in enumerate(PARAMETERS):
            for r, region in enumerate(regions):
                a, b = first[p, r, :, 0], second[p, r, :, 0]
                if (region == WHOLE) is whole and np.isfinite(a - b).any():
                    pairs[f"{parameter}/{region}"] = (a, b)
                    percent[f"{parameter}/{region}"] = (100 * a / b, np.full_like(b, 100.0))
        if not pairs:
            continue
        tests = zip(signed_rank(pairs, seed=seed), signed_rank(percent, seed=seed), strict=True)
        for test, relative in tests:
            parameter, _, region = test.name.partition("/")
            rows.append(
                {"parameter": parameter, "region": region, "n": test.n, "median": test.median,
                 "median percent": relative.median, "p": test.p, "p adjusted": test.p_adjusted}
            )  # fmt: skip
    return rows


def _map(
    made: Simulation, estimators: Mapping[str, Estimator], where: NDArray[np.bool_]
) -> dict[str, Maps]:
    """Maps of some voxels by all estimators, told B1 and the noise."""
    b1 = made.phantom.tissue.get("b1")
    return {
        name: one.predict(made.series, mask=where, b1=b1, sigma=made.sigma)
        for name, one in estimators.items()
    }
