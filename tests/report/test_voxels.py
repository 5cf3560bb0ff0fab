"""What a page carries of maps can be read back, and is not too much."""

import base64
import json
import zlib

import numpy as np
import pytest

from spinprint.report import Categories, Panels, Viewer, Volume, Window, voxels
from spinprint.report.voxels import PanelData, viewer_data

SHAPE = (7, 5, 3)


def volume_of(values: np.ndarray) -> Volume:
    return Volume(
        caption="Estimate", values=values, label="T1 [ms]", colours="magma", window=Window(0, 9)
    )


def viewer_of(*panels: Volume | Categories, asked: np.ndarray) -> Viewer:
    return Viewer(rows=[Panels("T1", panels)], asked=asked)


def codes_of(panel: PanelData, data: voxels.ViewerData) -> np.ndarray:
    """As the script unpacks them, `(slice, row, column)`."""
    low, high = np.frombuffer(zlib.decompress(base64.b64decode(panel.voxels)), np.uint8).reshape(
        2, -1
    )
    columns, rows = data.size
    codes = low.astype(np.uint16) | high.astype(np.uint16) << 8
    return codes.reshape(len(data.slices), rows, columns)


@pytest.mark.parametrize("largest", [3e-9, 1.0, 843.0, 7e12])
def test_values_come_back_to_three_digits(largest: float) -> None:
    values = largest * np.linspace(-1, 1, np.prod(SHAPE)).reshape(SHAPE)
    values[3, 2, 1] = np.nan
    asked = np.ones(SHAPE, bool)
    asked[0] = False
    data = viewer_data(viewer_of(volume_of(values), asked=asked))
    ((_, (panel,)),) = data.rows
    found = codes_of(panel, data).view(np.float16) * np.float64(json.loads(panel.settings)["scale"])
    settings = json.loads(data.settings)
    for k, z in enumerate(settings["slices"]):
        for j, y in enumerate(settings["rows"]):
            for i, x in enumerate(settings["columns"]):
                expected = values[x, y, z] if asked[x, y, z] else -np.inf
                assert found[k, j, i] == pytest.approx(expected, rel=5e-4, nan_ok=True)


def test_categories_come_back_as_their_place_in_the_key() -> None:
    codes = np.arange(np.prod(SHAPE)).reshape(SHAPE) % 5
    key = {9: ("#000000", "not there"), 4: ("#111111", "four"), 1: ("#222222", "one")}
    panel = Categories(caption="Status", codes=codes, key=key)
    data = viewer_data(viewer_of(panel, asked=np.ones(SHAPE, bool)))
    ((_, (packed,)),) = data.rows
    assert packed.key == (("#111111", "four", 21), ("#222222", "one", 21))
    found = codes_of(packed, data)
    top_left = codes[0, -1, 0]
    assert top_left == 2
    assert found[0, 0, 0] == 0
    assert (found == 1).sum() == (found == 2).sum() == 21


def test_a_large_volume_is_thinned_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).random((40, 40, 30))
    panels = [volume_of(values), volume_of(values)]
    viewer = viewer_of(*panels, asked=np.ones(values.shape, bool))
    assert viewer_data(viewer).omitted == ""
    monkeypatch.setattr(voxels, "MAX_VOXELS", 20_000)
    data = viewer_data(viewer)
    assert data.omitted == (
        "To keep the page small, it shows 25 of 30 slices, spread evenly and one voxel in 2 along"
        " rows and columns."
    )
    assert (data.total, data.slices[0], data.slices[-1]) == (30, 1, 30)
    size = sum(len(panel.voxels) for _, row in data.rows for panel in row)
    assert size <= 20_000 * 2 * 4 / 3 * 1.01
