"""What each choice costs and how well it does, with those that no other beats in both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .scale import logarithmic
from .style import INK, MARKERS, MUTED, SERIES, styled


@styled
def pareto_figure(
    groups: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
    *,
    cost_label: str,
    error_label: str,
    bound: float | None = None,
) -> Figure:
    """Cost against error on logarithmic axes, and the front of those that nothing beats.

    Parameters
    ----------
    groups
        Cost and error of each case, `(case,)` both and positive, by the name of their group, as
        the estimator; what is not finite is left out.
    cost_label, error_label
        Quantities and units.
    bound
        The least error there can be, as a line.
    """
    figure = Figure(figsize=(4.2, 3.1), layout="constrained")
    axes = figure.subplots()
    for number, (name, (cost, error)) in enumerate(groups.items()):
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        axes.plot(cost, error, marker, color=colour, ms=4.5, mew=0, alpha=0.75, label=name)
    cost, error = (
        np.concatenate([np.asarray(pair[i], dtype=float) for pair in groups.values()])
        for i in (0, 1)
    )
    front = pareto_front(cost, error)
    axes.step(cost[front], error[front], where="post", color=INK, lw=1.0, label="front", zorder=1)
    if bound is not None:
        axes.axhline(bound, color=MUTED, ls="--", lw=1.0, label="bound", zorder=1)
    logarithmic(axes, "x", "y")
    axes.grid(which="major", color=MUTED, alpha=0.2, lw=0.5)
    axes.set_xlabel(cost_label)
    axes.set_ylabel(error_label)
    figure.legend(loc="outside upper left", ncols=4, handlelength=1.8)
    return figure


def pareto_front(cost: NDArray[Any], error: NDArray[Any]) -> NDArray[np.intp]:
    """Indices of the cases than which no other is as cheap with less error, by ascending cost.

    Parameters
    ----------
    cost, error
        `(case,)`; cases of which one is not finite are never on the front.
    """
    order = np.lexsort((error, cost))
    order = order[np.isfinite(cost[order]) & np.isfinite(error[order])]
    least = np.minimum.accumulate(error[order])
    better = np.ones(order.size, dtype=bool)
    better[1:] = error[order][1:] < least[:-1]
    front: NDArray[np.intp] = order[better]
    return front
