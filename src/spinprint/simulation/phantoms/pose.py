"""How the body lies in the scanner; another visit finds it shifted and turned a little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ...errors import TissueError
from .shapes import Points

_TURN, _SHIFT = 2.0, 2.0


@dataclass(frozen=True, kw_only=True)
class Pose:
    """A rigid movement of the body against the scanner, axes posterior, superior, lateral.

    Raises
    ------
    TissueError
        A number is not finite.
    """

    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Angles about the three axes, played one after the other [degrees]."""
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Along the three axes [mm]."""

    def __post_init__(self) -> None:
        if not np.isfinite([*self.turn, *self.shift]).all():
            raise TissueError(f"turn {self.turn} and shift {self.shift} must be finite")

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Pose:
        """A repositioning: SD 2 degrees and 2 mm along each axis, never beyond twice that.

        The size is our choice, of what careful positioning by eye leaves.
        """
        turn, shift = np.clip(rng.normal(size=(2, 3)), -2, 2) * [[_TURN], [_SHIFT]]
        return cls(turn=tuple(turn.tolist()), shift=tuple(shift.tolist()))

    def to_body(self, points: Points) -> Points:
        """Where places of the scanner lie in the body, arrays that broadcast to `(...)` [mm]."""
        if self == Pose():
            return points  # three short axes stay short
        offsets = [axis - by for axis, by in zip(points, self.shift, strict=True)]
        back = Rotation.from_euler("xyz", self.turn, degrees=True).inv().as_matrix()
        return Points(
            *(sum(factor * axis for factor, axis in zip(row, offsets, strict=True)) for row in back)
        )
