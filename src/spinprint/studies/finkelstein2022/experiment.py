"""The trainings and the Monte Carlo of the study; `page` states the choices behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...estimators import Estimator, NetworkRegression, PosteriorMean
from ...evaluation import MonteCarlo, run_monte_carlo
from ...evaluation.monte_carlo import error_ratios, mean_errors, squared_errors
from ...parallel import Progress
from ...prior import Prior, Uniform
from ...sequence.presets import diffusion_fisp
from ...training.config import TrainConfig, parse_config
from ..study import Run
from .sizes import Sizes

RATIOS_DB = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0)
"""The sweep [dB]."""

PRIOR = Prior(
    {
        "t1": Uniform(0.3, 5.0, log=True),
        "t2": Uniform(0.02, 2.5, log=True),
        "adc": Uniform(0.1e-3, 3.5e-3),
    }
)
"""What tissue is expected [s, mm²/s]; T2 long enough that the preparations of 50 ms leave signal
to tell ADC from."""

RECIPES: dict[str, dict[str, Any]] = {
    "recurrent": {},
    "MLP": {"kind": "mlp"},
}
"""Cores of networks trained by our recipe (Muon, Gaussian likelihood, noise told): that of the
paper's arms, and the default of `spinprint train`."""


def stages(sizes: Sizes, *, main: bool) -> list[dict[str, Any]]:
    """The arms on one set of tissue, each a stage of one training; clean ones first.

    For noisy stages of n steps: `clean-n`; `scratch-n` from fresh weights; `transfer-n` from
    `clean-n` with the head frozen, as the paper has it; `half-n`, the same in n steps together.
    In the main comparison also `unfrozen-n`, and `scratch-2n`, as many steps as transfer takes.
    """
    paper = {"batch": sizes.batch, "optimiser": "adamw", "learning_rate": 1e-3, "loss": "mse"}

    def stage(name: str, steps: int, start: str, *, frozen: bool = False) -> dict[str, Any]:
        snr_db = "clean" if name == "clean" else (RATIOS_DB[0], RATIOS_DB[-1])
        return paper | {
            "name": f"{name}-{steps}", "snr_db": snr_db, "steps": steps, "start": start,
            "warm_up": min(50, steps // 4), "frozen": ["head"] if frozen else [],
        }  # fmt: skip

    lengths = sorted({length for n in sizes.steps for length in (n // 2, n)})
    found = [stage("clean", n, "scratch") for n in lengths]
    for n in sizes.steps:
        found.append(stage("scratch", n, "scratch"))
        found.append(stage("transfer", n, f"clean-{n}", frozen=True))
        half = stage("half", n // 2, f"clean-{n // 2}", frozen=True)
        found.append(half | {"name": f"half-{n}"})
    if main:
        n = sizes.longest
        found.append(stage("unfrozen", n, f"clean-{n}"))
        found.append(stage("scratch", 2 * n, "scratch"))
    return found


def training(sizes: Sizes, tissues: int, seed: int, *, main: bool) -> TrainConfig:
    """All arms on one set of tissue from one seed."""
    return parse_config(
        {
            "seed": seed,
            "prior": PRIOR.to_dict(),
            "network": {"core": _recurrent(sizes), "sigma_input": False, "output": "mean"},
            "data": {"tissues": tissues},
            "validation": _validation(sizes),
            "stage": stages(sizes, main=main),
        }
    )


def recipe(sizes: Sizes, name: str, seed: int) -> TrainConfig:
    """Our recipe in as many steps as transfer takes, on the same tissue."""
    steps = 2 * sizes.longest
    stage = {
        "name": "ours", "snr_db": (RATIOS_DB[0], RATIOS_DB[-1]), "steps": steps,
        "batch": sizes.batch, "warm_up": min(200, steps // 8),
    }  # fmt: skip
    return parse_config(
        {
            "seed": seed,
            "prior": PRIOR.to_dict(),
            "network": {"core": RECIPES[name] or _recurrent(sizes)},
            "data": {"tissues": sizes.tissues[-1]},
            "validation": _validation(sizes),
            "stage": [stage],
        }
    )


def _recurrent(sizes: Sizes) -> dict[str, Any]:
    return {
        "kind": "recurrent", "cell": "gru", "width": sizes.width,
        "samples_per_step": sizes.samples_per_step,
    }  # fmt: skip


def _validation(sizes: Sizes) -> dict[str, Any]:
    return {"snr_db": RATIOS_DB, "voxels": 256, "every": max(20, sizes.longest // 4)}


def trainings(sizes: Sizes, seeds: list[int]) -> Iterator[tuple[str, TrainConfig]]:
    """Every training by the name of its folder."""
    for tissues in sizes.tissues:
        main = tissues == sizes.tissues[-1]
        for k in range(sizes.seeds if main else sizes.seeds_of_grid):
            yield f"{tissues}-tissues/seed-{k}", training(sizes, tissues, seeds[k], main=main)
    for name in RECIPES:
        for k in range(sizes.seeds):
            yield f"ours-{name}/seed-{k}", recipe(sizes, name, seeds[k])


def networks(run: Run[Sizes]) -> dict[str, NetworkRegression]:
    """All trained networks as estimators, named `folder/stage`."""
    from ...networks.model import Model
    from ...training.loop import STAGES

    found = {}
    for name, config in trainings(run.scale, run.seeds(run.scale.seeds)):
        folder = run.place("models") / name
        for stage in config.stage:
            last = stage is config.stage[-1]
            model = Model.load(folder if last else folder / STAGES / stage.name)
            found[f"{name}/{stage.name}"] = NetworkRegression(model)
    return found


def measure(run: Run[Sizes]) -> None:
    """Train all arms, then give all networks and the posterior mean the same noisy signals."""
    sizes, sequence = run.scale, diffusion_fisp()
    for name, config in trainings(sizes, run.seeds(sizes.seeds)):

        def train(progress: Progress, name: str = name, config: TrainConfig = config) -> Any:
            model = run.train(name, sequence, config, progress)
            return {"seed": config.seed, "training": model.training["digest"]}

        run.step(f"Training {name}", train)

    def sweep(progress: Progress) -> Mapping[str, Any]:
        (seed,) = run.seeds(sizes.seeds + 1)[-1:]  # of tissue that no training has seen
        plan = MonteCarlo.of_prior(
            sequence, PRIOR, n=sizes.tested, snrs_db=RATIOS_DB, draws=sizes.draws, seed=seed
        )
        posterior = PosteriorMean.build(sequence, PRIOR, n_atoms=sizes.atoms, seed=seed)
        estimators: dict[str, Estimator] = {"Bayes": posterior, **networks(run)}
        folder = run.place("monte_carlo")
        outcome = run_monte_carlo(plan, estimators, folder=folder, progress=progress)
        n = sizes.resamples
        risk = squared_errors(outcome, ["Bayes"])
        errors = {arm: squared_errors(outcome, names) for arm, names in arms(sizes).items()}
        return {
            "parameters": outcome.parameters,
            "risk": mean_errors(outcome, risk, n=n),
            "mse": {arm: mean_errors(outcome, one, n=n) for arm, one in errors.items()},
            "over_risk": {a: error_ratios(outcome, one, risk, n=n) for a, one in errors.items()},
            "ratios": {
                f"{arm} / {base}": error_ratios(outcome, errors[arm], errors[base], n=n)
                for arm, base in comparisons(sizes)
            },
        }

    run.step("Monte Carlo", sweep)


def arms(sizes: Sizes) -> dict[str, list[str]]:
    """The networks of every arm, a seed each.

    An arm is named by its stage; on smaller sets, and of our recipe, by its folder before it.
    """
    found: dict[str, list[str]] = {}
    for name, config in trainings(sizes, [0] * sizes.seeds):
        group = name.split("/")[0]
        for stage in config.stage:
            main = group == f"{sizes.tissues[-1]}-tissues"
            arm = stage.name if main else f"{group}/{stage.name}"
            found.setdefault(arm, []).append(f"{name}/{stage.name}")
    return found


def comparisons(sizes: Sizes) -> Iterator[tuple[str, str]]:
    """Which arm is held against which."""
    n = sizes.longest
    for arm in (f"transfer-{n}", f"unfrozen-{n}", *(f"ours-{name}/ours" for name in RECIPES)):
        yield arm, f"scratch-{2 * n}"
    yield f"transfer-{n}", f"unfrozen-{n}"
    yield f"transfer-{n}", f"clean-{n}"
    for tissues in sizes.tissues:
        place = "" if tissues == sizes.tissues[-1] else f"{tissues}-tissues/"
        for steps in sizes.steps:
            for arm in ("transfer", "half"):
                yield f"{place}{arm}-{steps}", f"{place}scratch-{steps}"


def cost(sizes: Sizes) -> str:
    """What a run costs."""
    configs = [config for _, config in trainings(sizes, [0] * sizes.seeds)]
    steps = sum(stage.steps for config in configs for stage in config.stage)
    fits = len(RATIOS_DB) * sizes.tested * sizes.draws
    made = sum(len(names) for names in arms(sizes).values())
    return (
        f"{len(configs)} trainings, {steps} steps of {sizes.batch} signals together; then"
        f" {fits} noisy signals for each of {made} networks and the posterior mean"
    )
