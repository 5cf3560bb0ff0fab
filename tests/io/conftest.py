from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from spinprint.io import Series, read_series, write_series


@pytest.fixture
def oblique() -> NDArray[np.float64]:
    """An affine with unequal edges, rotated and slightly sheared, exact in float32."""
    return np.array(
        [
            [1.75, -0.5, 0.25, -60.5],
            [0.625, 1.5, -0.375, 31.25],
            [-0.125, 0.25, 4.5, 12.0],
            [0, 0, 0, 1],
        ]
    )


@pytest.fixture
def data() -> NDArray[np.complex64]:
    """A small series with unequal axes, shape (3, 5, 2, 7)."""
    draw = np.random.default_rng(3).standard_normal((2, 3, 5, 2, 7))
    return (draw[0] + 1j * draw[1]).astype(np.complex64)


@pytest.fixture
def series_path(tmp_path: Path, data: NDArray[Any], oblique: NDArray[Any]) -> Path:
    return write_series(tmp_path / "in" / "series.nii.gz", data, oblique)


@pytest.fixture
def series(series_path: Path) -> Series:
    return read_series(series_path)
