"""Typical tissue of an organ, as single tissues: what a sequence has to tell apart."""

from __future__ import annotations

from ..errors import TissueError
from ..sequence import Sequence
from ..simulation.phantoms.tissue_table import tissue_table
from ..tissue import Tissue

ORGANS = ("knee", "brain")
"""Organs with a table of tissue values, all at 3 T."""


def typical_tissues(sequence: Sequence, organ: str) -> dict[str, Tissue]:
    """The mean tissues of an organ by name, with the parameters that a sequence needs.

    Each has the shape `()`. Sources stand in the tables of the phantoms.

    Raises
    ------
    TissueError
        There is no table of the organ.
    """
    if organ not in ORGANS:
        raise TissueError(f"organ {organ!r} must be one of {', '.join(ORGANS)}")
    return {
        name: Tissue(**{parameter: getattr(values, parameter) for parameter in sequence.unknowns})
        for name, values in tissue_table(organ).items()
    }
