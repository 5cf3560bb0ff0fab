"""Colours span what most of the values span, between round numbers."""

import numpy as np
import pytest

from spinprint.errors import InputError
from spinprint.report.window import Window


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window.from_zero(np.linspace(0, 1, 1001) * 873), Window(0, 880)),
        (Window.from_zero(np.r_[np.full(999, 0.873), 50]), Window(0, 0.88)),
        (Window.symmetric(np.r_[np.full(999, -3.1), 9]), Window(-3.2, 3.2)),
        (Window.symmetric(np.linspace(0.9, 1.2, 99), centre=1.0), Window(0.8, 1.2)),
        (Window.from_zero(np.r_[np.full(999, 0.5), -1]), Window(0, 0.5)),
        (Window.from_zero(np.full(3, np.nan)), Window(0, 1)),
        (Window.symmetric(np.zeros(3)), Window(-1, 1)),
    ],
)
def test_windows_end_at_round_numbers(window: Window, expected: Window) -> None:
    assert (window.low, window.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("ends", [(1.0, 1.0), (2.0, 1.0), (0.0, np.nan), (0.0, np.inf)])
def test_a_window_has_an_extent(ends: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="the first must be below"):
        Window(*ends)
