"""The panels of a viewer: what shares a window, what is absolute, what a legend says."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spinprint.errors import InputError, SeriesError
from spinprint.maps import Maps, Status
from spinprint.report import Categories, Volume, Window, maps_viewer, quantity_panels


def volumes(maps: Maps, name: str, truth: np.ndarray | None = None) -> dict[str, Volume]:
    panels = quantity_panels(name, maps, truth).panels
    return {one.caption: one for one in panels if isinstance(one, Volume)}


def test_truth_and_estimate_share_one_window(content: Any) -> None:
    found = volumes(content.maps, "adc", (content.truth or {})["adc"])
    assert list(found) == ["Truth", "Estimate", "Relative error", "Stated SD"]
    truth, estimate, error, sd = found.values()
    assert truth.window == estimate.window
    assert truth.label == estimate.label == "ADC [10⁻³ mm²/s]"
    asked = content.maps.status != Status.OUTSIDE
    assert np.isnan(truth.values[~asked]).all()
    # 2 % of noise, stated as such; errors are symmetric about 0.
    assert error.window.low == -error.window.high
    assert 4 <= error.window.high <= 8
    assert np.nanmedian(sd.values) == pytest.approx(2, abs=0.1)


def test_of_what_may_be_zero_errors_are_absolute(maps: Maps) -> None:
    field = np.linspace(-40, 40, maps.status.size).reshape(maps.shape)
    with_b0 = maps.replace(
        values={"b0": (field + 2).astype(np.float32)}, sd={"b0": np.full_like(field, 3, np.float32)}
    )
    found = volumes(with_b0, "b0", field)
    assert list(found) == ["Truth", "Estimate", "Error", "Stated SD"]
    inside = maps.status != Status.OUTSIDE
    assert found["Error"].values[inside] == pytest.approx(2, abs=1e-4)
    assert found["Error"].label == "error of B0 [Hz]"
    assert found["Truth"].window.low == -found["Truth"].window.high
    assert np.nanmax(found["Stated SD"].values) == pytest.approx(3)


def test_a_viewer_ends_with_m0_status_and_structures(content: Any) -> None:
    viewer = maps_viewer(content.maps, content.truth, content.labels, content.names)
    assert [row.heading for row in viewer.rows] == ["T1", "ADC", "M0, status and structures"]
    _, status, structures = viewer.rows[-1].panels
    assert isinstance(status, Categories)
    assert isinstance(structures, Categories)
    assert status.key[Status.AT_EDGE][1] == Status.AT_EDGE.meaning
    assert Status.OUTSIDE not in status.key
    assert {code: name for code, (_, name) in structures.key.items()} == {1: "gel", 2: "oil"}


def test_maps_of_different_grids_do_not_share_a_viewer(content: Any) -> None:
    viewer = maps_viewer(content.maps)
    with pytest.raises(SeriesError, match=r"has shape \(7, 6, 3\); the other maps have \(7, 6\)"):
        replace(viewer, asked=viewer.asked[..., 0])
    with pytest.raises(SeriesError, match="one to three axes"):
        replace(viewer, asked=viewer.asked[..., None])
    with pytest.raises(SeriesError, match=r"must be \(4, 4\)"):
        replace(viewer, affine=np.eye(3))


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
