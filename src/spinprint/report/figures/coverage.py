"""How often intervals hold the truth, against how often they say they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from .curves import Curve
from .style import MARKERS, MUTED, SERIES, styled

LEVELS = np.linspace(0.05, 0.95, 19)
"""Stated coverages at which intervals are counted [-]."""

_CONFIDENCE = 0.95


@styled
def coverage_figure(curves: Sequence[Curve]) -> Figure:
    """Actual against stated coverage; on the diagonal, intervals are right.

    Below it they are too narrow, above it too wide.

    Parameters
    ----------
    curves
        One a quantity or estimator: actual coverage [-] over stated coverage [-], as
        `coverage_curve` counts it, or counted from quantiles.
    """
    figure = Figure(figsize=(3.2, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1.0, ls="--", label="right")
    for number, curve in enumerate(curves):
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        axes.plot(curve.x, curve.y, color=colour, marker=marker, ms=3.5, mew=0, label=curve.name)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.2, lw=0)
    axes.text(0.97, 0.04, "intervals too narrow", ha="right", color=MUTED, fontsize=7.5)
    axes.text(0.03, 0.62, "intervals too wide", ha="left", color=MUTED, fontsize=7.5)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("stated coverage [-]")
    axes.set_ylabel("share of true values covered [-]")
    axes.legend(loc="upper left", handlelength=1.8)
    return figure


def coverage_curve(z: ArrayLike, name: str, levels: NDArray[Any] = LEVELS) -> Curve:
    """Coverage of the central normal intervals that stated standard deviations give.

    Parameters
    ----------
    z
        Errors over stated standard deviations [-], any shape, independent; what is not finite is
        left out.
    name
        What the legend calls it.
    levels
        Stated coverages, `(level,)` [-].

    Returns
    -------
    Curve
        Share of |z| within each interval, with Wilson's 95 % interval (E. B. Wilson, J. Am. Stat.
        Assoc. 22, 209, 1927).
    """
    size = np.abs(np.asarray(z, dtype=float))
    size = np.sort(size[np.isfinite(size)])
    n = max(size.size, 1)
    share = np.searchsorted(size, ndtri((1 + levels) / 2), side="right") / n
    reach = ndtri((1 + _CONFIDENCE) / 2)
    middle = (share + reach**2 / (2 * n)) / (1 + reach**2 / n)
    half = reach / (1 + reach**2 / n) * np.sqrt(share * (1 - share) / n + (reach / (2 * n)) ** 2)
    return Curve(name=name, x=levels, y=share, low=middle - half, high=middle + half)
