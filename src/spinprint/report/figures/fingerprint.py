"""The signal of a voxel with the signal of its estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .style import ACCENT, MUTED, SECOND, styled

_VISIBLE = 0.02  # part of the fit's norm from which the imaginary part is drawn


@styled
def fingerprint_figure(measured: NDArray[Any], fitted: NDArray[Any]) -> Figure:
    """Measured samples as dots and the fit as a line, both turned so that the fit is most real.

    The imaginary part is drawn only where the fit has one.

    Parameters
    ----------
    measured, fitted
        Complex samples, shape `(time,)` [unit of the series].
    """
    # The angle that puts most of the fit's energy into the real part; its sign is that of the sum.
    turn = np.exp(-0.5j * np.angle((fitted.astype(complex) ** 2).sum()))
    turn *= np.sign((fitted * turn).real.sum()) or 1.0
    measured, fitted = measured * turn, fitted * turn
    figure = Figure(figsize=(4.6, 2.2), layout="constrained")
    axes = figure.subplots()
    parts = [("", measured.real, fitted.real, ACCENT)]
    if np.linalg.norm(fitted.imag) > _VISIBLE * np.linalg.norm(fitted):
        parts = [
            ("real, ", measured.real, fitted.real, ACCENT),
            ("imaginary, ", measured.imag, fitted.imag, SECOND),
        ]
    pulse = np.arange(1, len(fitted) + 1)
    for name, dots, line, colour in parts:
        axes.plot(
            pulse, dots, ".", ms=2.2, color=MUTED, alpha=0.75, mew=0,
            label=f"{name}measured",
        )  # fmt: skip
        axes.plot(pulse, line, color=colour, lw=0.9, label=f"{name}fit")
    axes.axhline(0, color=MUTED, lw=0.4, zorder=0)
    axes.set_xlabel("pulse number")
    axes.set_ylabel("signal [unit of the series]")
    axes.set_xlim(0, len(fitted) + 1)
    axes.margins(y=0.1)
    axes.legend(loc="best", ncols=len(parts), markerscale=3)
    return figure
