"""The leading singular vectors of a dictionary, over the pulse number."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .style import ACCENT, MUTED, styled


@styled
def singular_vectors_figure(vectors: NDArray[Any], starts: NDArray[Any] | None = None) -> Figure:
    """One panel a vector, the first on top; the modulus where they are complex.

    Parameters
    ----------
    vectors
        Orthonormal columns, `(time, vector)`.
    starts
        Samples before which something is played, as a preparation, `(event,)`; drawn as lines.
    """
    count = vectors.shape[1]
    shown = np.abs(vectors) if np.iscomplexobj(vectors) else np.asarray(vectors)
    figure = Figure(figsize=(6.4, 0.5 + 0.75 * count), layout="constrained")
    panels = figure.subplots(count, sharex=True, squeeze=False)[:, 0]
    pulses = np.arange(1, len(shown) + 1)
    reach = 1.1 * float(np.abs(shown).max())
    for number, (panel, vector) in enumerate(zip(panels, shown.T, strict=True), start=1):
        for start in () if starts is None else starts:
            panel.axvline(start + 0.5, color=MUTED, lw=0.4, alpha=0.6, zorder=0)
        # The sign of a singular vector is free: the larger side is drawn upwards.
        sign = 1 if vector[np.argmax(np.abs(vector))] >= 0 else -1
        panel.plot(pulses, sign * vector, color=ACCENT, lw=0.9)
        panel.axhline(0, color=MUTED, lw=0.4)
        panel.set_ylim(-reach if (shown < 0).any() else 0, reach)
        panel.set_ylabel(str(number), rotation=0, ha="right", va="center")
        panel.set_yticks([])
    panels[-1].set_xlabel("pulse number")
    panels[-1].set_xlim(1, len(shown))
    return figure
