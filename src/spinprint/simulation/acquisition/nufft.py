"""The Fourier transform between a grid of voxels and samples anywhere in k-space."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import MissingExtraError

_ACCURACY = 3e-5
"""Relative error of the transforms; noise and aliases are far above it."""

_FINE = 1.25
"""Grid of the fast transforms over that of the voxels: a frame has few samples, so that transforms
take longer than spreading and a small grid pays."""


class Nufft:
    """Several non-uniform transforms at a time, single precision, on one thread.

    Voxel i of n stands at (i - n // 2) / matrix of the field of view, matrix being the longer
    side. One thread adds in one order: the same input gives the same bits. Work is parallel over
    frames instead.

    Raises
    ------
    MissingExtraError
        finufft is not installed.
    """

    def __init__(self, shape: tuple[int, int], n: int, matrix: int | None = None) -> None:
        self._finufft = require_finufft()
        self._shape, self._n = shape, n
        self._scale = 2 * np.pi / (matrix or max(shape))
        self._coordinates: tuple[NDArray[np.float32], ...] = ()
        self._plans: dict[int, Any] = {}

    def at(self, points: NDArray[np.complex128]) -> Nufft:
        """The same transforms for other points kx + i ky [1/FOV], `(sample,)`."""
        self._coordinates = tuple(
            (self._scale * part).astype(np.float32) for part in (points.real, points.imag)
        )
        for plan in self._plans.values():
            plan.setpts(*self._coordinates)
        return self

    def forward(self, images: NDArray[Any]) -> NDArray[np.complex64]:
        """Sum over voxels of image exp(-2 pi i k r): `(n, x, y)` to `(n, sample)`."""
        return self._execute(2, images.reshape(self._n, *self._shape)).reshape(self._n, -1)

    def adjoint(self, samples: NDArray[Any]) -> NDArray[np.complex64]:
        """Sum over samples of sample exp(+2 pi i k r): `(n, sample)` to `(n, x, y)`."""
        return self._execute(1, samples).reshape(self._n, *self._shape)

    def _execute(self, kind: int, data: NDArray[Any]) -> NDArray[np.complex64]:
        if kind not in self._plans:
            self._plans[kind] = self._finufft.Plan(
                kind, self._shape, n_trans=self._n, eps=_ACCURACY, isign=1 if kind == 1 else -1,
                dtype="complex64", nthreads=1, upsampfac=_FINE,
            )  # fmt: skip
            self._plans[kind].setpts(*self._coordinates)
        data = np.ascontiguousarray(data, np.complex64)
        return self._plans[kind].execute(data[0] if self._n == 1 else data)


def require_finufft() -> Any:
    """The package that does the transforms.

    Raises
    ------
    MissingExtraError
        It is not installed; the message holds the install line.
    """
    try:
        import finufft
    except ImportError:
        raise MissingExtraError(
            "non-Cartesian sampling needs finufft: pip install 'spinprint[raw]'"
        ) from None
    return finufft
