"""A smooth object and series of few dimensions."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray


def _smooth_object(shape: tuple[int, int]) -> NDArray[np.complex64]:
    """Two blobs with a phase that turns, well inside the field of view, `(x, y)`."""
    x, y = np.meshgrid(
        *((np.arange(n) - n // 2) / max(shape) for n in shape), indexing="ij", sparse=True
    )
    blobs = np.exp(-((x / 0.12) ** 2) - (y / 0.1) ** 2)
    blobs = blobs - 0.5 * np.exp(-(((x - 0.1) / 0.08) ** 2) - ((y + 0.08) / 0.08) ** 2)
    return (blobs * np.exp(2j * x - 1j * y)).astype(np.complex64)


@pytest.fixture
def smooth_object() -> Callable[[tuple[int, int]], NDArray[np.complex64]]:
    """Makes a smooth object of a shape `(x, y)`."""
    return _smooth_object


@pytest.fixture
def low_rank() -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """A series `(x, y, time)` of odd shape and the complex basis `(time, rank)` it lives in."""
    rng = np.random.default_rng(0)
    time = np.linspace(0, 1, 60)
    decays = np.exp(-time[:, None] * np.array([0.5 - 1j, 2, 6 + 3j]))
    basis = np.linalg.qr(decays)[0].astype(np.complex64)
    blob = _smooth_object((25, 21))
    images = np.stack([np.roll(blob, step, axis=(0, 1)) for step in (0, 2, -1)], axis=-1)
    images = images * (1 + 0.1 * rng.standard_normal(3))
    return (images @ basis.T).astype(np.complex64), basis
