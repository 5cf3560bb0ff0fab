"""How near the limit a network comes, and how long that takes.

A network is trained as `spinprint train` does it; then it, dictionary matching and the posterior
mean map the same noisy signals of tissue drawn anew from the prior. Mean squared errors, on the
scaled axes, are over that of the posterior mean: the Bayes risk.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import cyclopts

import spinprint as sp
from common import Watch, record
from spinprint.dictionary.defaults import default_grid
from spinprint.training.config import load_config

SEVERAL = cyclopts.Parameter(consume_multiple=True)


def main(
    *,
    sequence: str = "knee_t1_t2_t1rho",
    config: Path | None = None,
    model: Path | None = None,
    tissues: int = 4000,
    draws: int = 2,
    snrs_db: Annotated[tuple[float, ...], SEVERAL] = (10.0, 20.0, 30.0, 40.0),
    atoms: int = 200_000,
    seed: int = 1,
) -> None:
    """Measure, print and append to results/learning.jsonl.

    Parameters
    ----------
    sequence
        Preset or sequence file.
    config
        A training file; without it the default.
    model
        Folder of the training: one that was stopped goes on, one that is done is not repeated.
    tissues, draws
        Tissues of the prior, and noise draws of each at every ratio.
    snrs_db
        Signal-to-noise ratios, rms over time [dB].
    atoms
        Atoms of the posterior mean.
    seed
        Of tissue and noise; the training has its own.
    """
    watch, played = Watch(), sp.load_sequence(sequence)
    begun = time.perf_counter()
    trained = sp.train(played, load_config(config) if config else None, model)
    seconds = trained.training["seconds"] if model else time.perf_counter() - begun
    plan = sp.MonteCarlo.of_prior(
        played, trained.prior, tissues, draws=draws, snrs_db=snrs_db, seed=seed, block=1000,
        known=trained.config.known,
    )  # fmt: skip
    estimators = {
        "network": sp.NetworkRegression(trained),
        "matching": sp.DictionaryMatching(sp.Dictionary.build(played, default_grid(played))),
        "posterior": sp.PosteriorMean.build(played, trained.prior, n_atoms=atoms),
    }
    scores = sp.score_estimators(sp.run_monte_carlo(plan, estimators, log=print), n=400)
    found = {
        (one.estimator, one.snr_db, one.parameter, one.measure): one.statistic
        for one in scores
        if one.measure in ("mse_over_bayes_risk", "coverage")
    }
    names = (*plan.coordinates.names, "all")
    rows = [line(found, snr, name) for snr in snrs_db for name in names]
    for one in rows:
        print("  ".join(f"{key} {value}" for key, value in one.items()))
    print(f"trained in {seconds:.0f} s")
    options = {
        "sequence": sequence, "config": config and config.name, "tissues": tissues,
        "draws": draws, "atoms": atoms, "seed": seed,
    }  # fmt: skip
    path = record(
        "learning", watch, options=options, versions=trained.training["versions"], rows=rows,
        train_seconds=seconds,
    )  # fmt: skip
    print(f"appended to {path}")


def line(found: dict[tuple[str, float, str, str], Any], snr: float, name: str) -> dict[str, Any]:
    """One ratio and parameter as a row of text."""
    network = found["network", snr, name, "mse_over_bayes_risk"]
    matching = found["matching", snr, name, "mse_over_bayes_risk"]
    covered = found.get(("network", snr, name, "coverage"))
    return {
        "SNR [dB]": f"{snr:g}",
        "parameter": name,
        "network / risk": f"{network.value:.3f}",
        "95 % interval": f"{network.low:.3f} to {network.high:.3f}",
        "matching / risk": f"{matching.value:.3g}",
        "68 % covers": f"{100 * covered.value:.1f} %" if covered else "",
    }


if __name__ == "__main__":
    cyclopts.run(main)
