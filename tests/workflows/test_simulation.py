import itertools
import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

import spinprint as sp
from spinprint.workflows.simulation import run_simulation, simulate_phantom, write_simulation


def test_the_stated_snr_is_that_of_the_series(short: sp.Sequence) -> None:
    clean = simulate_phantom(short, matrix=24, sigma=0, partial_volume=False)
    noisy = simulate_phantom(short, matrix=24, snr_db=20, partial_volume=False)
    inside = clean.phantom.mask
    assert np.array_equal(clean.series[~inside], np.zeros_like(clean.series[~inside]))
    noise = noisy.series - clean.series
    assert noise.real.std() == pytest.approx(noisy.sigma, rel=0.02)
    rms = np.sqrt(np.mean(np.abs(clean.series[inside]) ** 2, axis=-1))
    snr = np.median(20 * np.log10(rms / (np.sqrt(2) * noise.real.std())))
    assert snr == pytest.approx(20, abs=0.2)
    assert noisy.snr_db == pytest.approx(20)


def test_files_read_back_as_what_was_simulated(short: sp.Sequence, tmp_path: Path) -> None:
    made, series = run_simulation(short, tmp_path, matrix=16, seed=5)
    read = sp.read_series(series)
    assert np.array_equal(read.data, made.series)
    assert read.affine is not None
    assert np.allclose(read.affine, made.phantom.affine)
    assert sp.load_sequence(tmp_path / "sequence.toml").digest == short.digest
    truth = sp.read_maps(tmp_path / "truth")
    assert np.array_equal(truth.status == sp.Status.OK, made.phantom.mask)
    inside = made.phantom.mask
    assert np.allclose(truth["t1"][inside], made.phantom.tissue.t1[inside], rtol=1e-6)


def test_a_seed_makes_the_same_scan_again(short: sp.Sequence) -> None:
    first, again, other = (
        simulate_phantom(short, matrix=16, seed=seed).series for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_simulation_that_fails_half_way_leaves_nothing(
    short: sp.Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spinprint.workflows import simulation

    made = simulate_phantom(short, matrix=16)

    def full(*_: object, **__: object) -> None:
        raise sp.OutputError("no space left")

    monkeypatch.setattr(simulation, "stage_maps", full)
    with pytest.raises(sp.OutputError, match="no space"):
        write_simulation(made, short, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_phantom(short: sp.Sequence) -> None:
    with pytest.raises(sp.InputError, match="phantom 'elbow' must be one of knee"):
        simulate_phantom(short, "elbow")


@pytest.mark.parametrize(
    ("phantom", "options", "description"),
    [
        ("knee", {"volunteer": 2, "rescan": True}, "volunteer 2, scanned a second time"),
        ("brain", {}, "A synthetic head at 3 T"),
        ("nist", {"field_strength": 1.5}, "batch K3290, 1.5 T, 20 C"),
    ],
)
def test_what_was_imaged_is_written(
    phantom: str, options: Any, description: str, short: sp.Sequence, tmp_path: Path
) -> None:
    made, _ = run_simulation(short, tmp_path, phantom, matrix=16, b1_range=(0.8, 1.2), **options)
    legend = json.loads((tmp_path / "labels.json").read_text())
    assert description in legend["Description"]
    assert set(legend["Labels"].values()) == set(legend["Sources"])
    labels = set(legend["Labels"])
    assert all(str(label) in labels for part in legend["Regions"].values() for label in part)
    body = made.phantom
    expected: dict[str, Any] = {
        "labels": body.labels,
        "purity": body.purity,
        "b1": body.tissue.get("b1"),
    }
    for name, volume in expected.items():
        image = nibabel.Nifti1Image.from_filename(tmp_path / f"{name}.nii.gz")
        np.testing.assert_allclose(image.get_fdata(), volume, rtol=1e-6)
        np.testing.assert_allclose(image.affine, body.affine, atol=1e-5)
    assert not (tmp_path / "b0.nii.gz").exists()
    description_of_truth = sp.read_maps(tmp_path / "truth").provenance["description"]
    assert description in description_of_truth


def test_visits_and_volunteers_have_noise_of_their_own(short: sp.Sequence) -> None:
    def corner(**options: Any) -> Any:
        return simulate_phantom(short, matrix=16, slices=1, sigma=1.0, **options).series[0, 0, 0]

    draws = [
        corner(),
        corner(rescan=True),
        corner(volunteer=0),
        corner(volunteer=1),
        corner(volunteer=1, rescan=True),
        corner(volunteer=1, rescan=True, seed=1),
    ]
    for first, second in itertools.combinations(draws, 2):
        assert not np.array_equal(first, second)


def test_an_option_of_another_phantom(short: sp.Sequence) -> None:
    with pytest.raises(sp.InputError, match="--batch does not apply to the phantom brain, only to"):
        simulate_phantom(short, "brain", batch="K3290")
    with pytest.raises(sp.InputError, match=r"--colour does not apply to the phantom knee$"):
        simulate_phantom(short, colour="red")
