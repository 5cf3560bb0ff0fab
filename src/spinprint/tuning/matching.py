"""Dictionaries as trials."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tomlkit
from numpy.typing import NDArray
from pydantic import ValidationError

from ..coordinates import Coordinates
from ..dictionary import Dictionary
from ..dictionary.grid_file import FORMAT, parse_grid
from ..errors import DictionaryError, InputError, ModelError
from ..estimators import DictionaryMatching
from ..evaluation import cramer_rao
from ..parameters import PARAMETERS
from ..prior import Law, Prior
from ..sequence import Sequence
from ..settings import first_problem
from ..tissue import ParameterGrid
from ..training.examples import Examples
from .config import MatchingBase, TuneConfig
from .defaults import matching_space
from .space import Chosen, Space
from .task import Found, Hear

_FACTORS = {1: 1.05, 2: 1.05, 3: 1.15}
_COARSE = 1.25  # with four axes and more
_PARTS = 20  # steps of an axis that is no time
_WARM = 64  # voxels mapped before the clock runs
_UNKNOWN = 0.5  # where on its axis an estimate counts that was not made


@dataclass(frozen=True, eq=False)
class MatchingTask:
    """Dictionaries on grids over the range of the prior, judged as networks are.

    The tissue and its noise are those that trainings with the same base are validated on.

    Raises
    ------
    InputError
        A key of the space is none of matching, or a value is impossible; the message names it.
    """

    sequence: Sequence
    """What is played."""
    config: TuneConfig
    """Prior, seed, ratios and number of voxels are those of its base."""
    base: MatchingBase
    """What is not searched."""
    space: Space
    """What may be chosen."""
    objectives: tuple[str, ...] = ("error", "time", "memory")

    @classmethod
    def of(cls, sequence: Sequence, config: TuneConfig) -> MatchingTask:
        """The search that a tuning file asks for."""
        law = config.base.stated_prior() or Prior.default(sequence)
        base = config.matching.base
        base = base.model_copy(update={"grid": _grid(law) | (base.grid or {})})
        assert base.grid is not None
        try:
            if config.matching.space is None:
                return cls(sequence, config, base, matching_space(sequence, base.grid))
            return cls(sequence, config, base, Space.parse(config.matching.space))
        except InputError as error:
            raise type(error)(f"matching.space: {error}") from None

    def __post_init__(self) -> None:
        for name, value, chosen in self.space.probes():
            try:
                settings, _ = self.settings(chosen)
            except InputError as error:
                raise type(error)(f"{name} = {value}: {error}") from None
            if settings.rank is not None and settings.rank > self.sequence.n_samples:
                raise DictionaryError(
                    f"{name} = {value}: {self.sequence.name!r} has {self.sequence.n_samples}"
                    " samples, the rank cannot be above"
                )

    @property
    def identity(self) -> dict[str, Any]:
        """All that decides what a trial finds, but for its choices, as plain values."""
        training = self.config.base
        return {
            "what": "matching",
            "sequence": self.sequence.digest,
            "base": self.base.model_dump(mode="json"),
            "most atoms": self.config.matching.most_atoms,
            "prior": self._law.to_dict(),
            "validation": training.validation.model_dump(mode="json"),
            "known": list(training.network.known),
            "seed": training.seed,
        }

    @property
    def steps(self) -> int:
        """A trial is heard of at its end alone."""
        return 1

    def settings(self, chosen: Chosen) -> tuple[MatchingBase, ParameterGrid]:
        """What choices mean.

        Raises
        ------
        InputError
            They are impossible together.
        """
        values = self.base.model_dump(mode="json")
        for key, value in self.space.settings(chosen).items():
            inner: Any = values
            *path, last = key.split(".")
            for part in path:
                if not isinstance(inner, Mapping) or not isinstance(inner.get(part), Mapping):
                    raise ModelError(f"{key}: there is no {part} to be changed")
                inner = inner[part]
            inner[last] = value
            if last in ("factor", "step") and path:
                inner.pop("step" if last == "factor" else "factor", None)
        try:
            settings = MatchingBase.model_validate(values)
        except ValidationError as error:
            raise ModelError(first_problem(error)) from None
        return settings, parse_grid({"format": FORMAT, **(settings.grid or {})})

    def run(self, chosen: Chosen, hear: Hear) -> Found:  # noqa: ARG002
        """Build a dictionary and map the voxels of all ratios."""
        settings, grid = self.settings(chosen)
        most = self.config.matching.most_atoms
        if grid.size > most:
            raise DictionaryError(f"{grid.size} atoms are more than most_atoms = {most}")
        begun = time.perf_counter()
        energy = None if settings.rank else settings.energy
        dictionary = Dictionary.build(self.sequence, grid, settings.rank, energy=energy)
        built = time.perf_counter() - begun
        matching = DictionaryMatching(dictionary, refine=settings.refine)
        self._predict(matching, 0, slice(_WARM))
        begun = time.perf_counter()
        ratios = range(len(self.config.base.validation.snr_db))
        found = [self._predict(matching, number) for number in ratios]
        spent = time.perf_counter() - begun
        n_voxels = len(found) * self._examples.tissue.size
        memory = dictionary.coefficients.nbytes + dictionary.basis.nbytes
        mse = np.array([self._mse(values) for values in found])
        return Found(
            (float(np.mean(np.log(mse + 1e-30))), spent / n_voxels, float(memory)),
            {
                "atoms": float(dictionary.n_atoms),
                "basis vectors": float(dictionary.rank),
                "building [s]": built,
                "median |error| / Cramér-Rao SD": self._over_bound(found),
                **{f"scaled MSE at {snr:g} dB": float(row.mean())
                   for snr, row in zip(self.config.base.validation.snr_db, mse, strict=True)},
            },
        )  # fmt: skip

    def best(self, chosen: Chosen) -> str:
        """A grid file, with the other settings as remarks."""
        settings, _ = self.settings(chosen)
        file = tomlkit.document()
        basis = f"--rank {settings.rank}" if settings.rank else f"--energy {settings.energy!r}"
        file.add(tomlkit.comment(f"spinprint dictionary SEQUENCE --grid THIS_FILE {basis}"))
        between = "refined between the atoms" if settings.refine else "kept at the best atom"
        file.add(tomlkit.comment(f"estimates are {between}"))
        file.update({"format": FORMAT, **(settings.grid or {})})
        return tomlkit.dumps(file)

    @cached_property
    def _law(self) -> Prior:
        training = self.config.base
        return (
            training.validation.stated_prior()
            or training.stated_prior()
            or Prior.default(self.sequence)
        )

    @cached_property
    def _examples(self) -> Examples:
        training = self.config.base
        return Examples.draw(self.sequence, self._law, training.validation.voxels, training.seed)

    @cached_property
    def _noisy(self) -> list[tuple[NDArray[np.complex64], NDArray[np.float64]]]:
        ratios = self.config.base.validation.snr_db
        return [self._examples.noisy(snr, number) for number, snr in enumerate(ratios)]

    @cached_property
    def _coordinates(self) -> Coordinates:
        known = self.config.base.network.known
        laws = {name: law for name, law in self._law.laws.items() if name not in known}
        return Coordinates.over(Prior(laws, self._law.constraints))

    @cached_property
    def _unit_bound(self) -> NDArray[np.float64]:
        """Cramér-Rao deviations at sigma = 1, `(voxel, unknown)`."""
        names = self._coordinates.names
        bound = cramer_rao(self.sequence, self._examples.tissue, 1.0, names)
        return np.stack([bound.sd[name] for name in names], axis=1)

    def _predict(
        self, matching: DictionaryMatching, number: int, part: slice = slice(None)
    ) -> NDArray[np.float64]:
        """Estimates at a ratio, `(voxel, unknown)` [SI units]."""
        series, sigma = self._noisy[number]
        known: dict[str, Any] = {
            name: self._examples.tissue.get(name)[part] for name in self.config.base.network.known
        }
        maps = matching.predict(series[part], sigma=sigma[part], **known)
        columns = [maps[name].astype(np.float64) for name in self._coordinates.names]
        return np.stack(columns, axis=1)

    def _mse(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean squared error on the scaled axes, `(unknown,)`; beyond an end counts as the end."""
        coordinates = self._coordinates
        columns = dict(zip(coordinates.names, values.T, strict=True))
        scaled = coordinates.scaled(coordinates.theta_of(columns)).clip(0, 1)
        truth = coordinates.scaled(coordinates.theta(self._examples.tissue))
        return ((np.where(np.isnan(scaled), _UNKNOWN, scaled) - truth) ** 2).mean(axis=0)

    def _over_bound(self, found: list[NDArray[np.float64]]) -> float:
        """Median over voxels, unknowns and ratios."""
        names = self._coordinates.names
        truth = np.stack([self._examples.tissue.get(name) for name in names], axis=1)
        over = [
            np.abs(values - truth) / (sigma[:, None] * self._unit_bound)
            for values, (_, sigma) in zip(found, self._noisy, strict=True)
        ]
        return float(np.nanmedian(over))


def _grid(prior: Prior) -> dict[str, Any]:
    """The range of a prior, as a grid file holds it."""
    spread = [law for law in prior.laws.values() if law.low < law.high]
    factor = _FACTORS.get(len(spread), _COARSE)
    return {PARAMETERS[name].key: _axis(name, law, factor) for name, law in prior.laws.items()}


def _axis(name: str, law: Law, factor: float) -> dict[str, Any]:
    low, high = (float(f"{end / PARAMETERS[name].key_unit:.12g}") for end in (law.low, law.high))
    if low == high:
        return {"values": [low]}
    axis = {"start": low, "stop": high}
    if PARAMETERS[name].log:
        return {**axis, "factor": factor}
    return {**axis, "step": float(f"{(high - low) / _PARTS:.3g}")}
