"""Tables and figures of the study of Finkelstein et al. 2022."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...evaluation import Statistic
from ...evaluation.monte_carlo import ALL, SWEEP
from ...report import Column, Details, Outcome, Picture, Table, Text
from ...report.quantities import DISPLAY, listed, shown
from ..claims import estimate, judge, with_interval
from .numbers import Numbers


def errors(numbers: Numbers) -> Iterator[Any]:
    """Errors of all trainings over the Bayes risk, drawn and in numbers."""
    yield _error_figure(numbers)
    yield _risk_table(numbers, ALL, "all parameters")
    tables = [_risk_table(numbers, one, DISPLAY[one].symbol) for one in numbers.parameters]
    risks = Table(
        caption="The Bayes risk: mean squared error of the posterior mean, scaled.",
        columns=[Column("parameter", is_text=True), *_heads(numbers)],
        rows=[
            [
                name,
                *(_brief(estimate(numbers.found["risk"][key][snr])) for snr in _all(numbers)),
            ]
            for key, name in [*((p, DISPLAY[p].symbol) for p in numbers.parameters), (ALL, "mean")]
        ],
    )
    yield Details("Each parameter, and the Bayes risk itself", [*tables, risks])


def _risk_table(numbers: Numbers, parameter: str, name: str) -> Table:
    return Table(
        caption=(
            f"Mean squared error over the Bayes risk, {name}: 1 is the least that any estimator"
            " can have. Numbers behind the names are steps."
        ),
        columns=[Column("training", is_text=True), *_heads(numbers)],
        rows=[
            [title, *(_brief(numbers.over_risk(arm, snr, parameter)) for snr in _all(numbers))]
            for arm, title in numbers.main_arms().items()
        ],
    )


def _brief(one: Statistic) -> str:
    """A number that may be of any size, in two or three digits."""
    return shown(one.value) if 0.01 <= one.value < 1000 else f"{one.value:.1e}"


def _all(numbers: Numbers) -> list[str]:
    return [*numbers.snrs, SWEEP]


def _heads(numbers: Numbers, *, is_text: bool = False) -> list[Column]:
    ratios = [Column(snr, "dB", is_text=is_text) for snr in numbers.snrs]
    return [*ratios, Column("sweep", is_text=is_text)]


def _error_figure(numbers: Numbers) -> Picture:
    from ...report.figures import curves_figure

    n = numbers.n
    drawn = {
        "clean only": f"clean-{n}", "noisy alone": f"scratch-{n}",
        "noisy, twice": f"scratch-{2 * n}", "transfer": f"transfer-{n}",
        "ours": "ours-recurrent/ours", "ours, MLP": "ours-MLP/ours",
    }  # fmt: skip
    tables = {name: numbers.found["mse"][arm][ALL] for name, arm in drawn.items()}
    curves = [
        _curve(name, numbers, [estimate(table[snr]) for snr in numbers.snrs])
        for name, table in tables.items()
    ]
    risk = [estimate(numbers.found["risk"][ALL][snr]) for snr in numbers.snrs]
    return Picture(
        curves_figure(
            [*curves, _curve("Bayes risk", numbers, risk, is_bound=True)],
            x_label="signal-to-noise ratio, rms over time [dB]",
            y_label="mean squared error, scaled [-]",
        ),
        alt=(
            "Mean squared error over all parameters against signal-to-noise ratio for the trainings"
            " and the Bayes risk; the numbers are in the table below."
        ),
        caption="Error against noise, with 95 % intervals.",
    )


def _curve(
    name: str, numbers: Numbers, points: Sequence[Statistic], *, is_bound: bool = False
) -> Any:
    from ...report.figures import Curve

    x = np.array([float(snr) for snr in numbers.snrs])
    y, low, high = (np.array([getattr(p, key) for p in points]) for key in ("value", "low", "high"))
    return Curve(name=name, x=x, y=y, low=low, high=high, is_bound=is_bound)


def gains(numbers: Numbers) -> Iterator[Any]:
    """What the error falls by, drawn and in numbers."""
    n = numbers.n
    pairs = {
        f"transfer against noisy alone, {n} (the paper's)": (f"transfer-{n}", f"scratch-{n}"),
        f"transfer against noisy alone, {2 * n} (matched)": (f"transfer-{n}", f"scratch-{2 * n}"),
        f"half clean, half noisy against noisy alone, {n}": (f"half-{n}", f"scratch-{n}"),
        f"nothing frozen against noisy alone, {2 * n}": (f"unfrozen-{n}", f"scratch-{2 * n}"),
        f"our recipe, recurrent, against noisy alone, {2 * n}": (
            "ours-recurrent/ours", f"scratch-{2 * n}",
        ),
        f"our recipe, MLP, against noisy alone, {2 * n}": ("ours-MLP/ours", f"scratch-{2 * n}"),
    }  # fmt: skip
    yield _gain_figure(numbers)
    rows = [
        [name, *(with_interval(numbers.gain(*pair, s), 1, sign=True) for s in _all(numbers))]
        for name, pair in pairs.items()
    ]
    for steps in (n, 2 * n):
        room = (with_interval(numbers.room(f"scratch-{steps}", s), 1) for s in _all(numbers))
        rows.append([f"the most that any recipe can, against noisy alone, {steps}", *room])
    yield Table(
        caption=(
            "Reduction of the mean squared error over all parameters in percent, with 95 %"
            " intervals; negative where the error grew. The last rows are 100 (1 - Bayes risk /"
            " error): no estimator can gain more."
        ),
        columns=[Column("comparison", is_text=True), *_heads(numbers, is_text=True)],
        rows=rows,
    )


def _gain_figure(numbers: Numbers) -> Picture:
    from ...report.figures import curves_figure

    n = numbers.n
    pairs = {
        "transfer": (f"transfer-{n}", f"scratch-{n}"),
        "matched": (f"transfer-{n}", f"scratch-{2 * n}"),
        "half clean": (f"half-{n}", f"scratch-{n}"),
        "ours": ("ours-recurrent/ours", f"scratch-{2 * n}"),
        "ours, MLP": ("ours-MLP/ours", f"scratch-{2 * n}"),
    }
    curves = [
        _curve(name, numbers, [numbers.gain(*pair, snr) for snr in numbers.snrs])
        for name, pair in pairs.items()
    ]
    most = [numbers.room(f"scratch-{2 * n}", snr) for snr in numbers.snrs]
    return Picture(
        curves_figure(
            [*curves, _curve("the most", numbers, most, is_bound=True)],
            x_label="signal-to-noise ratio, rms over time [dB]",
            y_label="reduction of the squared error [%]",
            logarithmic="",
        ),
        alt=(
            "Reduction of the mean squared error against noisy training alone by signal-to-noise"
            " ratio, and the most that the Bayes risk allows; the numbers are in the table below."
        ),
        caption="What is gained over noisy training alone, by noise, with 95 % intervals.",
    )


def boundary(numbers: Numbers) -> Iterator[Any]:
    """What transfer gains with little data and few steps."""
    sizes = numbers.sizes
    cells = [(tissues, steps) for tissues in sizes.tissues for steps in sizes.steps]
    snrs = (numbers.snrs[0], numbers.snrs[len(numbers.snrs) // 2], numbers.snrs[-1])

    def gain(cell: tuple[int, int], arm: str, snr: str = SWEEP) -> Statistic:
        tissues, steps = cell
        place = "" if tissues == sizes.tissues[-1] else f"{tissues}-tissues/"
        return numbers.gain(f"{place}{arm}-{steps}", f"{place}scratch-{steps}", snr)

    yield Text(
        _helps("as the paper sets it", {c: gain(c, "transfer") for c in cells})
        + " "
        + _helps("at matched steps", {c: gain(c, "half") for c in cells})
    )
    groups = {"transfer": "clean on top", "half": "matched"}
    yield Table(
        caption=(
            "Reduction of the mean squared error by transfer in percent, by tissues of the training"
            " set and steps of noisy training alone; clean on top: as many clean steps before as"
            " noisy ones; matched: half of the steps clean."
        ),
        columns=[
            "tissues", "steps",
            *(
                Column("sweep" if snr == SWEEP else f"{snr} dB", "%", group, is_text=True)
                for group in groups.values() for snr in (SWEEP, *snrs)
            ),
        ],
        rows=[
            [
                str(cell[0]), cell[1],
                *(
                    with_interval(gain(cell, arm, snr), 1, sign=True)
                    for arm in groups for snr in (SWEEP, *snrs)
                ),
            ]
            for cell in cells
        ],
    )  # fmt: skip


def _helps(how: str, gains: Mapping[tuple[int, int], Statistic]) -> str:
    """In which cells of the grid transfer helps, and in which it harms."""
    words = []
    for word, least, most in (("helps", 0.0, float("inf")), ("harms", -float("inf"), 0.0)):
        places = [
            f"{tissues} tissues and {steps} steps"
            for (tissues, steps), one in gains.items()
            if judge(one, least=least, most=most) is Outcome.HOLDS
        ]
        words.append(f"{word} at {listed(places)}" if places else f"{word} nowhere for certain")
    return f"Over the sweep, transfer {how} {words[0]}, and {words[1]}."
