"""The singular values of a dictionary."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from .style import ACCENT, MUTED, SECOND, styled

_FLOOR = 1e-8  # below, singular values are rounding


@styled
def spectrum_figure(singular_values: NDArray[Any], rank: int | None = None) -> Figure:
    """Singular values over the largest, on a logarithmic axis, with the rank that is kept.

    Parameters
    ----------
    singular_values
        Descending, shape `(time,)` [-].
    rank
        Number of singular vectors kept.
    """
    relative = np.asarray(singular_values) / singular_values[0]
    shown = min(len(relative), max(40, 2 * (rank or 0)))
    relative = np.maximum(relative[:shown], _FLOOR)
    figure = Figure(figsize=(4.6, 2.2), layout="constrained")
    axes = figure.subplots()
    axes.semilogy(np.arange(1, shown + 1), relative, ".-", color=ACCENT, ms=4)
    if rank is not None:
        axes.axvline(rank + 0.5, color=SECOND, lw=1)
        axes.annotate(
            f"rank {rank}", (rank + 0.5, 1), (4, -2), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", color=SECOND,
        )  # fmt: skip
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color=MUTED, alpha=0.25, lw=0.5)
    axes.set_xlabel("singular vector")
    axes.set_ylabel("singular value [of the largest]")
    return figure
