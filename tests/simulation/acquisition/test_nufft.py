"""The transform against its defining sum."""

import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint import MissingExtraError
from spinprint.simulation.acquisition import choose_sampling
from spinprint.simulation.acquisition.nufft import Nufft


def complex_normal(rng: np.random.Generator, *shape: int) -> NDArray[Any]:
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


@pytest.mark.parametrize(
    ("shape", "n", "samples"), [((7, 10), 3, 30), ((5, 3), 1, 11), ((1, 4), 2, 1)]
)
def test_forward_is_the_sum_over_voxels(shape: tuple[int, int], n: int, samples: int) -> None:
    rng = np.random.default_rng(0)
    matrix = max(shape)
    x, y = matrix / 2 * rng.uniform(-1, 1, (2, samples))
    points = (x + 1j * y).astype(np.complex128)
    images = complex_normal(rng, n, *shape)
    x = (np.arange(shape[0]) - shape[0] // 2) / matrix
    y = (np.arange(shape[1]) - shape[1] // 2) / matrix
    phase = points.real[:, None, None] * x[:, None] + points.imag[:, None, None] * y
    expected = np.einsum("sxy,nxy->ns", np.exp(-2j * np.pi * phase), images)
    found = Nufft(shape, n).at(points).forward(images)
    assert found.dtype == np.complex64
    assert np.linalg.norm(found - expected) < 3e-5 * np.linalg.norm(expected)


def test_adjoint_is_the_adjoint_also_at_other_points() -> None:
    rng = np.random.default_rng(1)
    nufft = Nufft((6, 9), 2)
    for _ in range(2):
        nufft.at(complex_normal(rng, 17).astype(np.complex128))
        images, samples = complex_normal(rng, 2, 6, 9), complex_normal(rng, 2, 17)
        left = np.vdot(samples, nufft.forward(images))
        assert left == pytest.approx(np.vdot(nufft.adjoint(samples), images), rel=1e-4)


def test_without_finufft_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "finufft", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'spinprint\[raw\]'"):
        Nufft((4, 4), 1)
    assert choose_sampling("none") is None
    with pytest.raises(MissingExtraError):
        choose_sampling("spiral")
