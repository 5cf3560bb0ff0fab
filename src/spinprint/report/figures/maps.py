"""One slice of one map, in colours with a bar."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from .style import INK, NO_VALUE, OUTSIDE, styled
from .view import View
from .window import Window

WIDTH = 3.1
"""Width of a panel [inch]."""

_BAR = 0.62  # height of the colour bar with its label [inch]
_TALLEST = 1.5  # height of a picture over its width, at most [-]


@styled
def map_figure(
    values: NDArray[Any],
    *,
    view: View,
    window: Window,
    label: str,
    colours: str,
    asked: NDArray[np.bool_] | None = None,
) -> Figure:
    """One slice of a map.

    Parameters
    ----------
    values
        Values in the unit of the label, NaN where there is none, `(row, column)` as `View.plane`
        gives it.
    view
        Gives the shape of voxels and the letters of the directions.
    window
        What the colours span.
    label
        Quantity and unit, at the colour bar.
    colours
        Name of a matplotlib colour map.
    asked
        Where an estimate was asked for, `(row, column)`: grey where it has no value.
    """
    figure, axes = _panel(values, view, _BAR)
    if asked is not None:
        missing = np.where(asked & ~np.isfinite(values), 1.0, np.nan)
        _show(axes, missing, view, cmap=ListedColormap([NO_VALUE]))
    image = _show(
        axes,
        np.ma.masked_invalid(values),
        view,
        cmap=colormaps[colours],
        vmin=window.low,
        vmax=window.high,
    )
    height = figure.get_figheight()
    place = figure.add_axes((0.08, 0.40 / height, 0.84, 0.10 / height))
    bar = figure.colorbar(
        image,
        cax=place,
        orientation="horizontal",
        extend=window.extend,
        ticks=MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]),
    )
    bar.outline.set_linewidth(0.5)
    bar.set_label(label, labelpad=1.5)
    place.tick_params(length=2, pad=1.5)
    return figure


@styled
def category_figure(codes: NDArray[Any], *, view: View, colours: dict[int, str]) -> Figure:
    """One slice of a map of codes, each in the colour of its code.

    Parameters
    ----------
    codes
        Whole numbers, `(row, column)`.
    view
        Gives the shape of voxels and the letters of the directions.
    colours
        The colour of each code; others show the background.
    """
    figure, axes = _panel(codes, view, bar=0.0)
    index = np.full(codes.shape, np.nan)
    for position, code in enumerate(colours):
        index[codes == code] = position
    last = max(len(colours) - 1, 1)
    palette = ListedColormap(list(colours.values()) or [OUTSIDE])
    _show(axes, np.ma.masked_invalid(index), view, cmap=palette, vmin=0, vmax=last)
    return figure


def _panel(plane: NDArray[Any], view: View, bar: float) -> tuple[Figure, Axes]:
    """A figure as wide as a panel, with axes for a picture above room for a bar [inch]."""
    rows, columns = plane.shape
    tall = min(rows * view.aspect / columns, _TALLEST) * WIDTH
    figure = Figure(figsize=(WIDTH, tall + bar))
    axes = figure.add_axes((0, bar / (tall + bar), 1, tall / (tall + bar)))
    axes.set_axis_off()
    axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, facecolor=OUTSIDE, zorder=-1))
    for letter, (x, y) in zip(view.ends or (), _PLACES, strict=False):
        axes.text(
            x, y, letter, transform=axes.transAxes, ha="center", va="center", size=7.5, color=INK,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )  # fmt: skip
    return figure, axes


_PLACES = ((0.025, 0.5), (0.975, 0.5), (0.5, 0.03), (0.5, 0.97))


def _show(axes: Axes, plane: NDArray[Any], view: View, **settings: Any) -> Any:
    return axes.imshow(
        plane, origin="lower", aspect=view.aspect, interpolation="nearest", **settings
    )
