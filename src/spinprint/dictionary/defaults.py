"""A grid for a sequence when none is given."""

from __future__ import annotations

import numpy as np

from ..physics.simulate import simulate
from ..prior import RANGES
from ..sequence import Sequence
from ..tissue import Axis, ParameterGrid, Tissue

# Refinement between the atoms gives the precision; the grid has to lead it to the right place, so
# that its steps may grow with the number of unknowns and fields to keep the number of atoms
# between 10^4 and 10^5.
_FACTORS = {2: {"t1": 1.05, "t2": 1.05}, 3: {"t1": 1.15, "t2": 1.1, "t1rho": 1.15}}
_FACTORS[4] = {"t1": 1.25, "t2": 1.2, "t1rho": 1.25}
_ADC = Axis.linear(*RANGES["adc"], 2e-4)
_FIELD_STEPS = {"b1": 0.05, "b0": 5.0}
"""Steps along a known field [relative, Hz]."""


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
    factors = _FACTORS[min(len(sequence.unknowns) + len(fields), max(_FACTORS))]
    axes = {
        name: _ADC if name == "adc" else Axis.geometric(*RANGES[name], factors[name])
        for name in sequence.unknowns
    }
    for name, (low, high) in fields.items():
        step = _FIELD_STEPS[name]
        # One step wide at least, so that the field counts as a parameter of the atoms.
        high = max(high, low + step)
        axes[name] = Axis.linear(low, high, step)
        if _turns_alone(sequence, name, low, high):
            axes[name] = Axis((low, high))
    return ParameterGrid(axes)


def _turns_alone(sequence: Sequence, name: str, low: float, high: float) -> bool:
    """Whether a field only turns the whole signal, which M0 absorbs.

    So does B0 where all trains are gradient-spoiled with one TE. Atoms along it would be copies.
    """
    field = low + (high - low) * np.array([0.0, 0.17, 0.41, 0.59, 0.76, 1.0])
    typical = {"t1": 1.0, "t2": 0.08, "t1rho": 0.1, "adc": 1e-3}
    given = {key: np.asarray(typical[key]) for key in sequence.unknowns}
    signal = simulate(sequence, Tissue(**given, **{name: field}))
    unit = signal.astype(complex) / np.linalg.norm(signal, axis=-1, keepdims=True)
    return bool((np.abs(unit @ unit[0].conj()) > 1 - 1e-6).all())
