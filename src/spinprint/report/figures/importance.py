"""How much each choice matters, as bars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from .style import ACCENT, INK, styled


@styled
def importance_figure(
    shares: Mapping[str, float],
    label: str,
    *,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Bars from the most to the least important, each with its number.

    Parameters
    ----------
    shares
        Importance of each choice by its name [-].
    label
        What is measured, at the axis.
    intervals
        Where each lies, by name; not all need one.
    """
    names = sorted(shares, key=lambda name: shares[name])
    values = np.array([shares[name] for name in names])
    figure = Figure(figsize=(4.6, 0.6 + 0.26 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, values, color=ACCENT, alpha=0.6, height=0.62)
    ends = values.copy()
    for place, name in enumerate(names):
        if name in (intervals or {}):
            low, high = (intervals or {})[name]
            axes.plot([low, high], [place, place], color=INK, lw=1.2)
            ends[place] = max(high, ends[place])
        axes.annotate(
            f"{shares[name]:.2f}", (ends[place], place), (4, 0), textcoords="offset points",
            va="center", fontsize=7.5,
        )  # fmt: skip
    axes.margins(x=0.12)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label)
    return figure
