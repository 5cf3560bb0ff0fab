from pathlib import Path

import numpy as np
import pytest

import spinprint as sp
from spinprint.workflows.simulation import run_simulation, simulate_phantom, write_simulation


def test_the_stated_snr_is_that_of_the_series(short: sp.Sequence) -> None:
    clean = simulate_phantom(short, matrix=24, sigma=0)
    noisy = simulate_phantom(short, matrix=24, snr_db=20)
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

    monkeypatch.setattr(simulation, "write_maps", full)
    with pytest.raises(sp.OutputError, match="no space"):
        write_simulation(made, short, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_phantom(short: sp.Sequence) -> None:
    with pytest.raises(sp.InputError, match="phantom 'elbow' must be one of knee"):
        simulate_phantom(short, "elbow")
