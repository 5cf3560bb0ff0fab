"""A series as an undersampled scan would have given it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...dictionary.compression import find_basis
from ...dictionary.defaults import default_grid
from ...errors import InputError, SeriesError
from ...parallel import Progress, portion
from ...sequence import Sequence
from .coils import coil_maps
from .gridding import grid
from .kspace import acquire
from .low_rank import subspace
from .nufft import require_finufft
from .trajectory import TRAJECTORIES, Spiral, Trajectory

Reconstruction = Literal["gridding", "subspace"]
RECONSTRUCTIONS: tuple[Reconstruction, ...] = ("gridding", "subspace")
"""From samples to images: each frame alone, or all together in the basis of the dictionary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How images are sampled, received and reconstructed.

    Raises
    ------
    InputError
        There is no coil, the reconstruction is unknown, or a rank is given to gridding or is not
        a whole number of at least 1.
    """

    trajectory: Trajectory = field(default_factory=Spiral)
    """Where each frame is sampled."""
    coils: int = 8
    """Receive coils, their sensitivities known to the reconstruction."""
    reconstruction: Reconstruction = "gridding"
    """One of `RECONSTRUCTIONS`."""
    rank: int | None = None
    """Coefficient images of the subspace; None takes as many as a default dictionary has."""

    def __post_init__(self) -> None:
        if self.reconstruction not in RECONSTRUCTIONS:
            raise InputError(
                f"reconstruction {self.reconstruction!r} must be one of"
                f" {', '.join(RECONSTRUCTIONS)}"
            )
        if self.coils < 1:
            raise InputError(f"coils = {self.coils} must be at least 1")
        if self.rank is not None and self.reconstruction != "subspace":
            raise InputError(
                f"rank = {self.rank} is of the subspace: leave it out, or choose the"
                " reconstruction subspace"
            )
        if self.rank is not None and self.rank < 1:
            raise InputError(f"rank = {self.rank} must be at least 1")

    def image_sigma(self, sigma: float, matrix: int) -> float:
        """Noise per channel of the reconstructed images: sqrt(acceleration) times `sigma`.

        `sigma` is that of a fully sampled image, matrix the voxels along the longer side. Exact
        after gridding. After a subspace reconstruction it is the noise of each coefficient where
        frames tell the coefficients well apart, else somewhat more. Aliases are not in it, which
        in a gridded series are the larger part of what looks like noise, and yet harm estimates
        less: they are spread over the fingerprint as no atom is.
        """
        return float(sigma * np.sqrt(self.trajectory.acceleration(matrix)))

    def memory(self, matrix: int, frames: int) -> int:
        """What the scan of one slice takes at least, besides its images [bytes]."""
        samples = frames * self.trajectory.interleaves * self.trajectory.arm(matrix)[0].size
        return 8 * self.coils * (samples + matrix**2) + 16 * samples

    def describe(self, matrix: int) -> dict[str, Any]:
        """What was done, for provenance; matrix is the number of voxels along the longer side."""
        return {
            "trajectory": self.trajectory.kind,
            "interleaves": self.trajectory.interleaves,
            "acceleration": self.trajectory.acceleration(matrix),
            "coils": self.coils,
            "reconstruction": self.reconstruction,
            **({"rank": self.rank} if self.rank is not None else {}),
        }


def choose_sampling(
    kind: str = "none",
    *,
    interleaves: int | None = None,
    coils: int | None = None,
    reconstruction: Reconstruction | None = None,
    rank: int | None = None,
) -> Sampling | None:
    """The sampling that words of the command line ask for; None where images are sampled fully.

    Raises
    ------
    MissingExtraError
        finufft is not installed.
    InputError
        The trajectory is unknown, an option is given that full sampling has no use for, or as for
        `Sampling` and the trajectory.
    """
    count = {} if interleaves is None else {"interleaves": interleaves}
    given: dict[str, Any] = {"coils": coils, "reconstruction": reconstruction, "rank": rank}
    given = {name: value for name, value in given.items() if value is not None}
    if kind == "none":
        if unused := [*count, *given]:
            raise InputError(
                f"--{unused[0]} belongs to undersampled series: leave it out, or give"
                f" --sampling {' or '.join(TRAJECTORIES)}"
            )
        return None
    if kind not in TRAJECTORIES:
        raise InputError(f"sampling {kind!r} must be one of none, {', '.join(TRAJECTORIES)}")
    require_finufft()  # before long work, not after it
    return Sampling(trajectory=TRAJECTORIES[kind](**count), **given)


def scan(
    series: NDArray[Any],
    sequence: Sequence,
    sampling: Sampling,
    rng: np.random.Generator,
    *,
    sigma: float = 0.0,
    progress: Progress | None = None,
) -> NDArray[np.complex64]:
    """Sample every slice along the trajectory and reconstruct it, `(x, y, z, time)`.

    Slices are scanned one after another with the same coils and trajectory, so that memory
    beyond the two series is that of one slice.

    Estimators must be told `sampling.image_sigma`: what they find by themselves is too much after
    gridding, where aliases count as noise, and too little after a subspace reconstruction, which
    leaves none outside the basis.

    Parameters
    ----------
    series
        Noise-free images, `(x, y, z, time)`.
    sequence
        What was played; its default dictionary gives the basis of a subspace.
    sampling
        Trajectory, coils and reconstruction.
    rng
        Where coils and noise come from.
    sigma
        Noise per real and imaginary channel of a fully sampled image [unit of the series].
    progress
        Called with the work done and its amount.

    Raises
    ------
    MissingExtraError
        finufft is not installed.
    SeriesError
        The series has other axes, or another number of images than the sequence has samples.
    InputError
        sigma is impossible.
    DictionaryError
        The rank is above the number of samples.
    """
    if series.ndim != 4 or series.shape[3] != sequence.n_samples:
        raise SeriesError(
            f"a series of shape {series.shape} must be (x, y, z, time) with"
            f" {sequence.n_samples} images, the samples of {sequence.name!r}"
        )
    coils = coil_maps(series.shape[:2], sampling.coils, seed=int(rng.integers(2**32)))
    basis = _basis(sequence, sampling)
    images = np.empty(series.shape, np.complex64)
    parts = 2 * series.shape[2]
    for z in range(series.shape[2]):
        kspace = acquire(
            series[:, :, z], sampling.trajectory, coils, sigma=sigma, rng=rng,
            progress=portion(progress, 2 * z, parts),
        )  # fmt: skip
        rest = portion(progress, 2 * z + 1, parts)
        if basis is None:
            images[:, :, z] = grid(kspace, rest)
        else:
            images[:, :, z] = subspace(kspace, basis, progress=rest) @ basis.T
    return images


def _basis(sequence: Sequence, sampling: Sampling) -> NDArray[Any] | None:
    """The basis `(time, rank)` of the default dictionary, for those who need it."""
    if sampling.reconstruction == "gridding":
        return None
    tissue = default_grid(sequence).tissue()
    return find_basis(sequence, tissue, rank=sampling.rank, energy=None, n_states=None)[0]
