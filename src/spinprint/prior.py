"""Prior distribution of tissue: a law per parameter, and constraints on their order.

The laws are independent except for the constraints, which truncate their product to
T2 <= T1rho <= T1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import scipy.special
from numpy.typing import NDArray

from .errors import TissueError
from .parameters import PARAMETERS, PHYSICAL, REQUIRED
from .sequence import Sequence
from .tissue import ParameterGrid, Tissue

Array = NDArray[np.float64]

_FEWEST_KEPT = 1e-4  # lowest fraction of draws that may satisfy the constraints


class Law(Protocol):
    """Distribution of one parameter."""

    @property
    def low(self) -> float:
        """Lowest value."""
        ...

    @property
    def high(self) -> float:
        """Highest value."""
        ...

    def from_uniform(self, u: Array) -> Array:
        """Transform u, uniform from 0 to 1, to values that follow the law."""
        ...

    def log_density(self, values: Array) -> Array:
        """Log density per unit of the value; -inf outside the range."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """A single value.

    Raises
    ------
    TissueError
        The value is not finite.
    """

    value: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.value):
            raise TissueError(f"fixed law: its value {self.value:g} must be finite")

    @property
    def low(self) -> float:
        """The value."""
        return self.value

    @property
    def high(self) -> float:
        """The value."""
        return self.value

    def from_uniform(self, u: Array) -> Array:
        """The value, in the shape of u."""
        return np.full(np.shape(u), self.value)

    def log_density(self, values: Array) -> Array:
        """0 at the value, the log of its probability; -inf elsewhere."""
        return np.where(_inside(values, self), 0.0, -np.inf)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform over a range; with `log`, log-uniform.

    Raises
    ------
    TissueError
        The range is empty or not finite, or not positive with `log`.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self, self.log)

    def from_uniform(self, u: Array) -> Array:
        """Transform u, uniform from 0 to 1, to values that follow the law."""
        low, high = _to_axis(self.low, self.log), _to_axis(self.high, self.log)
        return np.clip(_from_axis(low + u * (high - low), self.log), self.low, self.high)

    def log_density(self, values: Array) -> Array:
        """Log density per unit of the value; -inf outside the range."""
        width = _to_axis(self.high, self.log) - _to_axis(self.low, self.log)
        return np.where(
            _inside(values, self), _log_slope(values, self.log) - np.log(width), -np.inf
        )


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal, truncated to a range; with `log`, log-normal.

    Raises
    ------
    TissueError
        The range is empty or not finite, or not positive with `log`; sd is not positive; or less
        than 1e-6 of the normal lies in the range.
    """

    mean: float
    """Mean of the normal before truncation; with `log`, its median."""
    sd: float
    """SD before truncation, in the unit of the mean; with `log`, of the natural logarithm."""
    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self, self.log)
        centre = self.mean > 0 if self.log else True
        if not (np.isfinite(self.mean) and centre and 0 < self.sd < np.inf):
            raise TissueError(
                f"normal law of mean {self.mean:g} and sd {self.sd:g}: both must be finite, sd"
                " positive, and the mean too if its logarithm is taken"
            )
        if np.diff(self._ends())[0] < 1e-6:
            raise TissueError(
                f"normal law of mean {self.mean:g} and sd {self.sd:g}: less than 1e-6 of it lies"
                f" from {self.low:g} to {self.high:g}"
            )

    def _ends(self) -> Array:
        """Probability of the untruncated normal below each end of the range, `(end,)`."""
        ends = _to_axis(np.array([self.low, self.high]), self.log)
        return scipy.special.ndtr((ends - _to_axis(self.mean, self.log)) / self.sd)

    def from_uniform(self, u: Array) -> Array:
        """Transform u, uniform from 0 to 1, to values that follow the law."""
        below, above = self._ends()
        z = scipy.special.ndtri(below + u * (above - below))
        values = _from_axis(_to_axis(self.mean, self.log) + self.sd * z, self.log)
        return np.clip(values, self.low, self.high)

    def log_density(self, values: Array) -> Array:
        """Log density per unit of the value; -inf outside the range."""
        inside = _inside(values, self)
        values = np.where(inside, values, self.low)
        z = (_to_axis(values, self.log) - _to_axis(self.mean, self.log)) / self.sd
        mass = np.diff(self._ends())[0] * self.sd * np.sqrt(2 * np.pi)
        return np.where(inside, _log_slope(values, self.log) - z**2 / 2 - np.log(mass), -np.inf)


@dataclass(frozen=True, slots=True)
class Mixture:
    """A mixture of several laws.

    Raises
    ------
    TissueError
        No law is given, a law is a single value (it has no density), or the weights are not one
        positive number per law.
    """

    laws: tuple[Law, ...]
    weights: tuple[float, ...]
    """Relative probability of each law."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "laws", tuple(self.laws))
        object.__setattr__(self, "weights", tuple(float(weight) for weight in self.weights))
        if not self.laws or any(law.low == law.high for law in self.laws):
            raise TissueError("a mixture needs laws that are ranges, not single values")
        good = np.isfinite(self.weights) & (np.array(self.weights) > 0)
        if len(self.weights) != len(self.laws) or not good.all():
            raise TissueError("a mixture needs one positive weight for each of its laws")

    @property
    def low(self) -> float:
        """Lowest value of all laws."""
        return min(law.low for law in self.laws)

    @property
    def high(self) -> float:
        """Highest value of all laws."""
        return max(law.high for law in self.laws)

    def _parts(self) -> Array:
        return np.array(self.weights) / sum(self.weights)

    def from_uniform(self, u: Array) -> Array:
        """Transform u, uniform from 0 to 1, to values that follow the law.

        u selects a law, and its position within that law's share is transformed by that law.
        """
        u = np.asarray(u)
        parts = self._parts()
        ends = np.cumsum(parts)
        chosen = np.minimum(np.searchsorted(ends, u, side="right"), len(parts) - 1)
        within = np.clip((u - (ends - parts)[chosen]) / parts[chosen], 0, 1)
        return np.choose(chosen, [law.from_uniform(within) for law in self.laws])

    def log_density(self, values: Array) -> Array:
        """Log density per unit of the value; -inf outside all ranges."""
        densities = np.stack([law.log_density(values) for law in self.laws], axis=-1)
        return np.asarray(scipy.special.logsumexp(densities, b=self._parts(), axis=-1))


_LAWS: dict[str, type] = {"fixed": Fixed, "uniform": Uniform, "normal": Normal, "mixture": Mixture}


@dataclass(frozen=True, eq=False)
class Prior:
    """A law per parameter, truncated to where the constraints hold.

    Raises
    ------
    TissueError
        A law or constraint has an unknown parameter, T1 or T2 has no law, or a value is impossible
        for its parameter.
    """

    laws: Mapping[str, Law]
    """The laws by parameter name [SI units]."""
    constraints: tuple[tuple[str, str], ...] = PHYSICAL
    """Pairs (a, b) with a <= b in all tissue."""

    def __post_init__(self) -> None:
        for name in [*self.laws, *(name for pair in self.constraints for name in pair)]:
            if name not in PARAMETERS:
                raise TissueError(f"prior of {name!r}: it must be one of {', '.join(PARAMETERS)}")
        for name in REQUIRED:
            if name not in self.laws:
                raise TissueError(f"the prior has no law for {name}: T1 and T2 are required")
        object.__setattr__(self, "laws", {n: self.laws[n] for n in PARAMETERS if n in self.laws})
        for end in ("low", "high"):
            Tissue(**{name: getattr(law, end) for name, law in self.laws.items()})

    @classmethod
    def default(cls, sequence: Sequence) -> Prior:
        """Prior of the unknowns of a sequence over all tissue: log-uniform times, uniform ADC."""
        return cls({name: _uniform(name, PARAMETERS[name].range) for name in sequence.unknowns})

    @classmethod
    def over(cls, grid: ParameterGrid) -> Prior:
        """Prior over the range of a grid: log-uniform times, all else uniform."""
        ends = {name: (axis.values[0], axis.values[-1]) for name, axis in grid.axes.items()}
        return cls({name: _uniform(name, pair) for name, pair in ends.items()}, grid.constraints)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """Names of the parameters that are not fixed."""
        return tuple(name for name, law in self.laws.items() if law.low < law.high)

    def draw(self, n: int, rng: np.random.Generator) -> Tissue:
        """Draw flat tissue with arrays of shape `(tissue,)`.

        Draws of the laws that break a constraint are rejected, which is exact.

        Raises
        ------
        TissueError
            Almost no draw satisfies the constraints.
        """
        kept: list[Array] = []
        n_kept = n_drawn = 0
        while n_kept < n:
            u = rng.random((max(n, 1024), len(self.laws)))
            columns = [law.from_uniform(u[:, i]) for i, law in enumerate(self.laws.values())]
            theta = np.stack(columns, axis=1)
            theta = theta[self._satisfies(dict(zip(self.laws, columns, strict=True)))]
            kept.append(theta)
            n_kept, n_drawn = n_kept + len(theta), n_drawn + len(u)
            if n_drawn > 2 / _FEWEST_KEPT and n_kept < _FEWEST_KEPT * n_drawn:
                rules = ", ".join(f"{a} <= {b}" for a, b in self.constraints)
                raise TissueError(f"almost no draw of the prior satisfies {rules}: widen its laws")
        theta = np.concatenate(kept)[:n] if kept else np.empty((0, len(self.laws)))
        return Tissue(**dict(zip(self.laws, theta.T, strict=True)))

    def log_density(self, tissue: Tissue) -> Array:
        """Log density per unit of every parameter, up to a constant, `(...)`.

        -inf outside the ranges and where a constraint is broken.

        Raises
        ------
        TissueError
            A parameter of the prior is missing and has no neutral value.
        """
        values = {name: np.asarray(tissue.get(name), float) for name in self.laws}
        total: Any = np.zeros(tissue.shape)
        for name, law in self.laws.items():
            total = total + law.log_density(values[name])
        return np.where(self._satisfies(values), total, -np.inf)

    def _satisfies(self, values: Mapping[str, Array]) -> NDArray[np.bool_]:
        """True where the constraints hold, with a tolerance for rounding."""
        satisfied: Any = np.ones((), bool)
        for low, high in self.constraints:
            if low in values and high in values:
                satisfied = satisfied & (values[low] <= values[high] * (1 + 1e-9))
        return np.broadcast_to(satisfied, np.broadcast_shapes(*(v.shape for v in values.values())))

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values, for files and hashes."""
        return {
            "laws": {name: _law_to_dict(law) for name, law in self.laws.items()},
            "constraints": [list(pair) for pair in self.constraints],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Prior:
        """Convert back from the values of `to_dict`.

        Raises
        ------
        TissueError
            The data do not describe a valid prior.
        """
        try:
            laws = {name: _law_from_dict(law) for name, law in data["laws"].items()}
            return cls(laws, tuple((low, high) for low, high in data["constraints"]))
        except (LookupError, TypeError, AttributeError) as error:
            raise TissueError(f"not a prior in the format of `Prior.to_dict` ({error!r})") from None


def _uniform(name: str, ends: tuple[float, float]) -> Law:
    low, high = ends
    return Uniform(low, high, log=PARAMETERS[name].log) if low < high else Fixed(low)


def _law_to_dict(law: Law) -> dict[str, Any]:
    kind = next(key for key, cls in _LAWS.items() if type(law) is cls)
    if isinstance(law, Mixture):
        return {
            "law": kind,
            "laws": [_law_to_dict(part) for part in law.laws],
            "weights": list(law.weights),
        }
    return {"law": kind, **asdict(law)}  # type: ignore[call-overload]


def _law_from_dict(data: Mapping[str, Any]) -> Law:
    settings = {key: value for key, value in data.items() if key != "law"}
    if data["law"] == "mixture":
        settings["laws"] = tuple(_law_from_dict(part) for part in settings["laws"])
    return _LAWS[data["law"]](**settings)


def _check_range(law: Any, log: bool) -> None:
    if not (np.isfinite([law.low, law.high]).all() and law.low < law.high):
        raise TissueError(
            f"a law from {law.low:g} to {law.high:g}: both must be finite and the first below the"
            " second; use Fixed for a single value"
        )
    if log and law.low <= 0:
        raise TissueError(f"a law from {law.low:g} on: only positive values have a logarithm")


def _inside(values: Array, law: Law) -> NDArray[np.bool_]:
    slack = 1e-9 * max(law.high - law.low, abs(law.high))
    return (values >= law.low - slack) & (values <= law.high + slack)


def _to_axis(values: Any, log: bool) -> Any:
    return np.log(values) if log else values


def _from_axis(values: Any, log: bool) -> Any:
    return np.exp(values) if log else values


def _log_slope(values: Array, log: bool) -> Any:
    """Log derivative of `_to_axis`; values that are not positive are outside the range anyway."""
    return -np.log(np.where(values > 0, values, 1)) if log else np.zeros(np.shape(values))
