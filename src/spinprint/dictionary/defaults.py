"""A grid for a sequence when none is given."""

from __future__ import annotations

from ..prior import RANGES
from ..sequence import Sequence
from ..tissue import Axis, ParameterGrid

# Refinement between the atoms gives the precision; the grid has to lead it to the right place, so
# that its steps may grow with the number of unknowns to keep the number of atoms between 10^4 and
# 10^5.
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
    factors = _FACTORS[len(sequence.unknowns)]
    axes = {
        name: _ADC if name == "adc" else Axis.geometric(*RANGES[name], factors[name])
        for name in sequence.unknowns
    }
    for name, (low, high) in (fields or {}).items():
        step = _FIELD_STEPS[name]
        # One step wide at least, so that the field counts as a parameter of the atoms.
        axes[name] = Axis.linear(low, max(high, low + step), step)
    return ParameterGrid(axes)
