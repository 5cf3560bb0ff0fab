"""What a voxel is: tissue parameters, and grids of them.

Units: t1, t2, t1rho [s]; adc [mm²/s]; b1 [relative]; b0 [Hz]; m0 [arbitrary, complex allowed].
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import TissueError
from .parameters import PARAMETERS, PHYSICAL, REQUIRED
from .room import require_room

_NAMES = (*PARAMETERS, "m0")

MOST_ATOMS = 10**8
"""Combinations a grid may have; more would not fit in memory."""


@dataclass(frozen=True, eq=False)
class Tissue:
    """Tissue parameters as arrays that broadcast against each other, shape `(...)`.

    Raises
    ------
    TissueError
        T1 or T2 is not given, an array holds no numbers, a value is not finite, a time is not
        positive, or the shapes do not broadcast.
    """

    t1: NDArray[np.float64]
    """Longitudinal relaxation time [s]."""
    t2: NDArray[np.float64]
    """Transverse relaxation time [s]."""
    t1rho: NDArray[np.float64] | None = None
    """Relaxation time in the rotating frame [s]; needed by sequences with a spin-lock."""
    adc: NDArray[np.float64] | None = None
    """Apparent diffusion coefficient [mm²/s]."""
    b1: NDArray[np.float64] | None = None
    """Flip angle relative to nominal [-]."""
    b0: NDArray[np.float64] | None = None
    """Off-resonance [Hz]."""
    m0: NDArray[Any] | None = None
    """Equilibrium magnetisation times receive sensitivity [arbitrary]; may be complex."""

    def __post_init__(self) -> None:
        for name in REQUIRED:
            if getattr(self, name) is None:
                raise TissueError(f"{name} must be given: T1 and T2 always matter")
        for name, value in self.given().items():
            array = _numbers(name, value)
            _check_range(name, array)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        try:
            _ = self.shape
        except ValueError:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in self.given().items())
            raise TissueError(f"the shapes do not broadcast: {shapes}") from None

    def given(self) -> dict[str, Any]:
        """The parameters that are not None, by name."""
        pairs = ((name, getattr(self, name)) for name in _NAMES)
        return {name: value for name, value in pairs if value is not None}

    @property
    def shape(self) -> tuple[int, ...]:
        """The common shape `(...)`."""
        return np.broadcast_shapes(*(array.shape for array in self.given().values()))

    @property
    def size(self) -> int:
        """Number of tissues."""
        return math.prod(self.shape)

    def get(self, name: str) -> NDArray[Any]:
        """The parameter, or its neutral value where it was not given.

        Raises
        ------
        TissueError
            It was not given and has no neutral value.
        """
        value = getattr(self, name)
        if value is not None:
            return value
        neutral = 1.0 if name == "m0" else PARAMETERS[name].neutral
        if neutral is None:
            raise TissueError(f"{name} is needed by this sequence and was not given")
        return np.array(neutral)

    def flat(self) -> Tissue:
        """The same tissues with every given parameter of shape `(tissue,)`."""
        shape = self.shape
        return Tissue(
            **{name: np.broadcast_to(array, shape).ravel() for name, array in self.given().items()}
        )

    def take(self, index: Any) -> Tissue:
        """The same selection of every array: of a flat tissue, or by a mask of their shape."""
        return Tissue(**{name: array[index] for name, array in self.given().items()})

    def replace(self, **changes: ArrayLike | None) -> Tissue:
        """A copy with some parameters changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


def _numbers(name: str, value: Any) -> NDArray[Any]:
    """A copy of the values in double precision, shape as given; only m0 may be complex."""
    try:
        array = np.asarray(value)
    except ValueError:  # a list of lists of unequal length
        raise TissueError(f"{name} must be an array of numbers") from None
    if array.dtype.kind not in ("iufc" if name == "m0" else "iuf"):
        kind = "numbers" if name == "m0" else "real numbers"
        raise TissueError(f"{name} must be an array of {kind}, not of {array.dtype}")
    return array.astype(complex if array.dtype.kind == "c" else float)


def _check_range(name: str, array: NDArray[Any]) -> None:
    if not np.isfinite(array).all():
        raise TissueError(f"{name} holds values that are not finite")
    if name not in PARAMETERS or not array.size:
        return
    parameter, lowest = PARAMETERS[name], array.min()
    if parameter.log and lowest <= parameter.least:
        raise TissueError(f"{name} = {lowest:g} {parameter.unit} must be positive")
    if lowest < parameter.least:
        raise TissueError(f"{name} = {lowest:g} must be at least {parameter.least:g}")


@dataclass(frozen=True, slots=True)
class Axis:
    """Values along one parameter of a grid, ascending, in SI units.

    Raises
    ------
    TissueError
        The axis is empty, holds no numbers, or is not finite or not strictly ascending.
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        numbers = _numbers("a grid axis", self.values)
        if numbers.ndim != 1:
            raise TissueError("the values of a grid axis must be one flat list of numbers")
        object.__setattr__(self, "values", tuple(numbers.tolist()))
        if not self.values or not np.isfinite(self.values).all():
            raise TissueError("a grid axis needs at least one value, all of them finite")
        if any(np.diff(self.values) <= 0):
            raise TissueError("the values of a grid axis must ascend, none twice")

    @classmethod
    def geometric(cls, start: float, stop: float, factor: float) -> Axis:
        """Values from start to stop, neighbours apart by at most `factor`."""
        if not (0 < start <= stop < math.inf and 1 < factor < math.inf):
            raise TissueError(
                f"geometric axis {start:g} to {stop:g} by {factor:g}: start must be positive,"
                " stop not below it and the factor above 1, all finite"
            )
        steps = _whole_steps(math.log(stop / start) / math.log(factor), f"the factor {factor:g}")
        return cls(tuple(np.geomspace(start, stop, steps + 1)))

    @classmethod
    def linear(cls, start: float, stop: float, step: float) -> Axis:
        """Values from start to stop, neighbours apart by at most `step`."""
        if not (-math.inf < start <= stop < math.inf and 0 < step < math.inf):
            raise TissueError(
                f"linear axis {start:g} to {stop:g} by {step:g}: stop must not be below start"
                " and the step must be positive, all finite"
            )
        steps = _whole_steps((stop - start) / step, f"the step {step:g}")
        return cls(tuple(np.linspace(start, stop, steps + 1)))

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[float]:
        return iter(self.values)


def _whole_steps(steps: float, by: str) -> int:
    """The number of equal steps that reach at least as far, if a grid can hold so many."""
    if steps > MOST_ATOMS:
        raise TissueError(f"an axis of {steps:.2g} values is too long: widen {by}")
    return math.ceil(steps - 1e-9)


@dataclass(frozen=True, eq=False)
class ParameterGrid:
    """All combinations of values on named axes that keep the constraints.

    Atoms are in C order of the axes as they were given: the last axis runs fastest.

    Raises
    ------
    TissueError
        An axis or constraint names no parameter, T1 or T2 is missing, a value is impossible for
        its parameter, or no combination keeps the constraints.
    """

    axes: Mapping[str, Axis]
    """The axes by parameter name [SI units]."""
    constraints: tuple[tuple[str, str], ...] = PHYSICAL
    """Pairs (a, b): only combinations with a <= b are kept."""

    def __post_init__(self) -> None:
        axes = {
            name: axis if isinstance(axis, Axis) else Axis(np.atleast_1d(axis))
            for name, axis in self.axes.items()
        }
        object.__setattr__(self, "axes", axes)
        for name in axes:
            if name not in PARAMETERS:
                raise TissueError(f"grid axis {name!r} must be one of {', '.join(PARAMETERS)}")
            _check_range(name, np.array(axes[name].values))
        for name in REQUIRED:
            if name not in axes:
                raise TissueError(f"the grid has no axis {name}: T1 and T2 always matter")
        for name in (name for pair in self.constraints for name in pair):
            if name not in PARAMETERS:
                raise TissueError(
                    f"constraint on {name!r}: it must be one of {', '.join(PARAMETERS)}"
                )
        combinations = math.prod(len(axis) for axis in axes.values())
        if combinations > MOST_ATOMS:
            lengths = ", ".join(f"{name} {len(axis)}" for name, axis in axes.items())
            raise TissueError(
                f"a grid of {combinations:.2g} combinations ({lengths}) is too large, at most"
                f" {MOST_ATOMS:.0e} can be: widen the steps"
            )
        # All combinations are laid out, twice for a while, before the constraints are applied.
        require_room(
            2 * 8 * combinations * len(axes), f"a grid of {combinations} combinations", TissueError,
            "widen the steps",
        )  # fmt: skip
        if self.size == 0:
            rules = ", ".join(f"{a} <= {b}" for a, b in self.constraints)
            raise TissueError(f"no combination of the grid keeps {rules}")

    @cached_property
    def _columns(self) -> dict[str, NDArray[np.float64]]:
        mesh = np.meshgrid(*(axis.values for axis in self.axes.values()), indexing="ij")
        columns = {name: values.ravel() for name, values in zip(self.axes, mesh, strict=True)}
        keep = np.ones(mesh[0].size, dtype=bool)
        for low, high in self.constraints:
            if low in columns and high in columns:
                # Two axes may hold the same value up to rounding: it counts as equal.
                keep &= columns[low] <= columns[high] * (1 + 1e-9)
        return {name: values[keep] for name, values in columns.items()}

    @property
    def size(self) -> int:
        """Number of atoms."""
        return len(self._columns["t1"])

    def tissue(self) -> Tissue:
        """The atoms as a flat tissue, arrays of shape `(atom,)`."""
        return Tissue(**self._columns)

    def to_dict(self) -> dict[str, Any]:
        """The grid as plain values, for files and hashes."""
        return {
            "axes": {name: list(axis.values) for name, axis in self.axes.items()},
            "constraints": [list(pair) for pair in self.constraints],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ParameterGrid:
        """The grid that `to_dict` wrote."""
        axes = {name: Axis(tuple(values)) for name, values in data["axes"].items()}
        pairs: Sequence[Sequence[str]] = data["constraints"]
        return cls(axes, tuple((pair[0], pair[1]) for pair in pairs))

    def to_json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict())
