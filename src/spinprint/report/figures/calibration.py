"""Errors in units of their stated standard deviation, against the standard normal."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .style import ACCENT, INK, MUTED, SECOND, styled

_REACH = 4.0
_BINS = 41  # odd, so that one bin is centred on 0


@styled
def calibration_figure(z: NDArray[Any], label: str) -> Figure:
    """Histogram of (estimate - truth) / SD with the density it has if the SD is right.

    Errors beyond 4 SD are counted in the outermost bins and by a note.

    Parameters
    ----------
    z
        Errors over stated standard deviations [-], any shape; what is not finite is left out.
    label
        What the quantity is called.
    """
    values = z[np.isfinite(z)]
    edges = np.linspace(-_REACH, _REACH, _BINS + 1)
    counts, _ = np.histogram(np.clip(values, -_REACH, _REACH), edges)
    density = counts / max(values.size, 1) / np.diff(edges)
    figure = Figure(figsize=(3.1, 2.4), layout="constrained")
    axes = figure.subplots()
    axes.stairs(density, edges, fill=True, color=ACCENT, alpha=0.35)
    axes.stairs(density, edges, color=ACCENT, lw=0.8, label="voxels")
    x = np.linspace(-_REACH, _REACH, 201)
    normal = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    axes.plot(x, normal, color=SECOND, lw=1.4, label="if the SD is right")
    axes.axvline(0, color=MUTED, lw=0.5, zorder=0)
    beyond = int((np.abs(values) > _REACH).sum())
    axes.text(
        0.02, 0.98, f"beyond ±{_REACH:g}: {beyond}", transform=axes.transAxes, va="top", size=7.5,
        color=INK,
    )  # fmt: skip
    axes.set_xlabel(f"error of {label} / stated SD [-]")
    axes.set_ylabel("density [-]")
    axes.set_ylim(0, 1.35 * max(normal.max(), density.max()))
    axes.legend(loc="upper right", handlelength=1.2)
    return figure
