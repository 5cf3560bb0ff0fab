"""The page of a search: the best settings, their importance, and all trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..tuning.results import WITHIN, State, Trial, best_of, front
from .page import (
    Bullets,
    Column,
    Content,
    Details,
    Gallery,
    Page,
    Part,
    Picture,
    Section,
    Table,
    Text,
)

_SHOWN = 6
"""Number of trainings whose course is drawn."""

_MB, _MS = 1e6, 1e-3

_SMALL = 0.01  # below, numbers are written with a power of ten
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

ERROR = "scaled mean squared error"
"""Name of the error at axes and heads."""


def tuning_page(
    trials: Sequence[Trial],
    importances: Mapping[str, Mapping[str, float]],
    *,
    title: str,
    subtitle: str,
    provenance: Mapping[str, Any],
) -> Page:
    """The page of a search for a network, or for a dictionary.

    Parameters
    ----------
    trials
        All trials that have ended; at least one is finished.
    importances
        Share of each parameter in each objective.
    title, subtitle
        The heading, and what was searched in a sentence.
    provenance
        How the search was run.
    """
    sections = [_summary(trials), _course(trials)]
    if any(len(trial.objectives) > 1 for trial in trials):
        sections.append(_trade(trials))
    if importances:
        sections.append(_importance(importances))
    sections += [_all(trials), _definitions(trials)]
    return Page(title=title, subtitle=subtitle, sections=sections, provenance=dict(provenance))


def _summary(trials: Sequence[Trial]) -> Section:
    best = best_of(trials)
    assert best is not None
    count = {state: sum(trial.state is state for trial in trials) for state in State}
    text = (
        f"{len(trials)} trials: {count[State.FINISHED]} finished, {count[State.GIVEN_UP]} given up"
        f" early, {count[State.REFUSED]} refused. Best: trial {best.number}, with a {ERROR} of"
        f" {_digits(best.error)}{_cost(best)}."
    )
    use = (
        "best.toml is a training file: spinprint train SEQUENCE --config best.toml."
        if len(best.objectives) == 1
        else "best.toml is a grid file; its first line is the command that builds the dictionary."
    )
    table = Table(
        caption="The best settings.",
        columns=["setting", Column("choice", is_text=True)],
        rows=[(name, _choice(value)) for name, value in best.chosen.items()],
    )
    measured = Table(
        caption="What was measured with them.",
        columns=["quantity", "value"],
        rows=[(name, _digits(value)) for name, value in best.measures.items()],
    )
    return Section("Summary", [Text([text, use], style="summary"), table, measured])


def _cost(trial: Trial) -> str:
    if len(trial.objectives) == 1:
        return ""
    _, seconds, memory = trial.objectives
    return f", {_digits(seconds / _MS)} ms per voxel and {_digits(memory / _MB)} MB"


def _choice(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _digits(value) if isinstance(value, float) else str(value)


def _digits(value: float) -> str:
    """Three significant digits, with a power of ten where the number is small."""
    if math.isnan(value):
        return "–"
    if value == 0 or abs(value) >= _SMALL:
        return f"{value:.3g}" if abs(value) < 1e3 else f"{value:.0f}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_RAISED)}"


def _course(trials: Sequence[Trial]) -> Section:
    from .figures import Curve, curves_figure

    ended = [trial for trial in trials if trial.objectives]
    numbers = np.array([trial.number for trial in ended])
    errors = np.array([trial.error for trial in ended])
    search = curves_figure(
        [
            Curve(name="trial", x=numbers, y=errors),
            Curve(name="least so far", x=numbers, y=np.minimum.accumulate(errors), is_bound=True),
        ],
        x_label="trial",
        y_label=ERROR,
    )
    pictures = [Picture(search, f"Error of {len(ended)} finished trials, and the least so far.")]
    drawn = sorted((trial for trial in trials if len(trial.curve) > 1), key=lambda t: t.error)
    if drawn:
        curves = [
            Curve(
                name=f"trial {trial.number}",
                x=np.array([step for step, _ in trial.curve]),
                y=np.exp([value for _, value in trial.curve]),
            )
            for trial in drawn[:_SHOWN]
        ]
        figure = curves_figure(curves, x_label="step", y_label=ERROR)
        pictures.append(Picture(figure, f"Error by step of the {len(curves)} best trainings."))
    return Section("Course of the search", [Gallery(pictures)])


def _trade(trials: Sequence[Trial]) -> Section:
    from .figures import pareto_figure

    groups = {
        name: [trial for trial in trials if trial.objectives and trial.chosen.get("refine") is kind]
        for name, kind in (("refined", True), ("best atom", False), ("dictionary", None))
    }
    shown_groups = {name: group for name, group in groups.items() if group}
    pictures = []
    for index, (label, unit) in enumerate((("time per voxel [ms]", _MS), ("memory [MB]", _MB)), 1):
        arrays = {
            name: (
                np.array([trial.objectives[index] / unit for trial in group]),
                np.array([trial.error for trial in group]),
            )
            for name, group in shown_groups.items()
        }
        figure = pareto_figure(arrays, cost_label=label, error_label=ERROR)
        pictures.append(Picture(figure, f"Error against {label}, with the front."))
    best = sorted(front(trials), key=lambda trial: trial.error)
    table = Table(
        caption="Dictionaries that no other beats in error, time and memory, best first.",
        columns=[
            "trial", *_names(best), ERROR, Column("time per voxel", "ms"), Column("memory", "MB")
        ],
        rows=[
            (
                str(trial.number),
                *_choices(trial, _names(best)),
                _digits(trial.error),
                _digits(trial.objectives[1] / _MS),
                _digits(trial.objectives[2] / _MB),
            )
            for trial in best
        ],
    )  # fmt: skip
    return Section("Error against cost", [Gallery(pictures), table])


def _importance(importances: Mapping[str, Mapping[str, float]]) -> Section:
    from .figures import importance_figure

    parts: list[Part] = [
        Text(
            "Shares of PED-ANOVA (Watanabe et al., IJCAI 2023): how far the settings of the better"
            " trials differ from those of all that were finished. Few trials reveal little about"
            " settings of little importance."
        )
    ]
    pictures = [
        Picture(
            importance_figure(shares, f"share in the {name}"),
            f"Importance of {len(shares)} settings for the {name}, first {next(iter(shares))}.",
        )
        for name, shares in importances.items()
        if shares
    ]
    return Section("Importance of the settings", [*parts, Gallery(pictures)])


def _all(trials: Sequence[Trial]) -> Section:
    names = _names(trials)
    table = Table(
        caption="Every trial.",
        columns=[
            "trial",
            Column("ended", is_text=True),
            ERROR,
            Column("duration", "s"),
            *[Column(name, is_text=True) for name in names],
            Column("remark", is_text=True),
        ],
        rows=[
            (
                str(trial.number),
                trial.state.value,
                _digits(trial.error),
                _digits(trial.seconds),
                *_choices(trial, names),
                trial.remark,
            )
            for trial in trials
        ],
    )
    return Section("Trials", [Details(f"All {len(trials)} trials", [table])])


def _names(trials: Sequence[Trial]) -> list[str]:
    return list(dict.fromkeys(name for trial in trials for name in trial.chosen))


def _choices(trial: Trial, names: Sequence[str]) -> list[Content]:
    return [_choice(trial.chosen[name]) if name in trial.chosen else None for name in names]


def _definitions(trials: Sequence[Trial]) -> Section:
    points = [
        "Scaled mean squared error: of logarithms of times and of other parameters as they are, 0"
        " to 1 over the range of the prior; the geometric mean over unknowns and signal-to-noise"
        " ratios, so that none outweighs the others.",
        "All trials are measured on the same tissue with the same noise. The best of many is"
        " chosen by that noise too: measure the winner anew before stating how good it is.",
    ]
    if any(len(trial.objectives) > 1 for trial in trials):
        points += [
            f"Best: the fastest dictionary whose error is at most {WITHIN:.0%} above the least.",
            "Memory is that of the compressed dictionary and its basis; time is that of mapping,"
            " on this machine and beside whatever else it did.",
        ]
    else:
        points.append(
            "Trainings are short; a trial whose error is worse than that of others at the same step"
            " is given up."
        )
    return Section("Definitions", [Bullets(points)])
