"""A grid for a sequence when none is given."""

from __future__ import annotations

import numpy as np

from ..parameters import PARAMETERS, Parameter
from ..physics.simulate import simulate
from ..sequence import Sequence
from ..tissue import Axis, ParameterGrid, Tissue


def default_grid(
    sequence: Sequence, fields: dict[str, tuple[float, float]] | None = None
) -> ParameterGrid:
    """The unknowns of a sequence over all tissue, and known fields over their range.

    Parameters
    ----------
    sequence
        Decides the unknowns.
    fields
        Lowest and highest value of b1 [relative] and b0 [Hz], where maps of them are known.
    """
    fields = fields or {}
    n_axes = len(sequence.unknowns) + len(fields)
    axes = {name: _axis(PARAMETERS[name], n_axes) for name in sequence.unknowns}
    for name, (low, high) in fields.items():
        step = _step(PARAMETERS[name], n_axes)
        # One step wide at least, so that the field counts as a parameter of the atoms.
        high = max(high, low + step)
        axes[name] = Axis.linear(low, high, step)
        if _turns_alone(sequence, name, low, high):
            axes[name] = Axis((low, high))
    return ParameterGrid(axes)


def _axis(parameter: Parameter, n_axes: int) -> Axis:
    """All of a parameter's range."""
    make = Axis.geometric if parameter.log else Axis.linear
    return make(*parameter.range, _step(parameter, n_axes))


def _step(parameter: Parameter, n_axes: int) -> float:
    """The step along one of several axes."""
    return parameter.steps[min(n_axes - 2, len(parameter.steps) - 1)]


def _turns_alone(sequence: Sequence, name: str, low: float, high: float) -> bool:
    """Whether a field only turns the whole signal, which M0 absorbs.

    So does B0 where all trains are gradient-spoiled with one TE. Atoms along it would be copies.
    """
    field = low + (high - low) * np.array([0.0, 0.17, 0.41, 0.59, 0.76, 1.0])
    given = {key: np.asarray(PARAMETERS[key].typical) for key in sequence.unknowns}
    signal = simulate(sequence, Tissue(**given, **{name: field}))
    unit = signal.astype(complex) / np.linalg.norm(signal, axis=-1, keepdims=True)
    return bool((np.abs(unit @ unit[0].conj()) > 1 - 1e-6).all())
