"""Presets: the totals and shapes their sources publish, and that files keep them."""

from pathlib import Path

import numpy as np
import pytest

from spinprint import load_sequence, presets
from spinprint.sequence import (
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    SpinLock,
    T2Preparation,
    format_sequence,
    parse_sequence,
)

names = pytest.mark.parametrize("name", presets.PRESETS)


@names
def test_a_preset_is_found_by_name_and_cited(name: str) -> None:
    sequence = load_sequence(name)
    assert sequence == presets.PRESETS[name]()
    assert sequence.name == name
    assert len(sequence.citation) > 40


@names
def test_a_preset_survives_its_file_exactly(name: str) -> None:
    sequence = load_sequence(name)
    read = parse_sequence(format_sequence(sequence))
    assert read == sequence
    assert read.digest == sequence.digest


@names
def test_a_preset_can_be_written_and_loaded_by_path(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(format_sequence(load_sequence(name)))
    assert load_sequence(path) == load_sequence(name)


@pytest.mark.parametrize(
    ("name", "samples", "seconds", "unknowns"),
    [
        # 13.129 s of readout as published, after a delay of 20 ms
        ("fisp_jiang2015", 1000, 13.149, ("t1", "t2")),
        ("fisp_cao500", 500, 6.02, ("t1", "t2")),
        ("spi_500", 500, 6.02, ("t1", "t2")),
        ("knee_t1_t2_t1rho", 768, 16.0, ("t1", "t2", "t1rho")),
        ("diffusion_fisp", 450, 9.77, ("t1", "t2", "adc")),
    ],
)
def test_totals(name: str, samples: int, seconds: float, unknowns: tuple[str, ...]) -> None:
    sequence = load_sequence(name)
    assert sequence.n_samples == samples
    assert sequence.duration == pytest.approx(seconds, abs=5e-4)
    assert sequence.unknowns == unknowns


def flips(name: str) -> np.ndarray:
    return np.concatenate([np.degrees(train.flip) for train in load_sequence(name).trains])


def test_jiang_angles_meet_the_published_list() -> None:
    """Angles read from generate_RF_TR.m of github.com/P-Song/HYDRA, rounded there to 0.01 deg."""
    flip = flips("fisp_jiang2015")
    published = {
        # 1-based pulse: degrees; the first and last pulse of each lobe, and some between
        **{1: 5.94, 2: 6.41, 50: 26.54, 99: 35.0, 199: 5.0},
        **{210: 5.60, 211: 6.19, 309: 43.0, 408: 5.60, 409: 5.0},
        **{420: 6.02, 421: 7.04, 519: 70.0, 618: 6.02, 619: 5.0},
        **{629: 5.63, 630: 6.26, 728: 45.0, 827: 5.63, 828: 5.0},
        **{840: 5.35, 841: 5.69, 939: 27.0},
    }
    pulses = np.array(list(published)) - 1
    np.testing.assert_allclose(flip[pulses], list(published.values()), atol=0.00501)
    pauses = [*range(199, 209), *range(409, 419), *range(619, 628), *range(828, 839)]
    assert np.flatnonzero(flip == 0).tolist() == pauses


def test_jiang_repetition_times_are_the_published_list() -> None:
    (train,) = load_sequence("fisp_jiang2015").trains
    tr = np.array(train.tr) * 1e3
    assert tr[:3] == pytest.approx([13.17382, 13.14382, 13.11483], abs=1e-9)
    assert (tr.min(), tr.max()) == pytest.approx((11.67003, 14.33035), abs=1e-9)
    assert tr.sum() == pytest.approx(13129.386, abs=1e-3)
    # A wrong digit anywhere would break the smoothness of the list.
    assert np.abs(np.diff(tr, 3)).max() < 4e-3


def test_cao_angles() -> None:
    flip = flips("fisp_cao500")
    assert flip[[99, 199, 299, 399]] == pytest.approx([30, 10, 90, 0], abs=1e-9)
    assert np.allclose(flip[400:], 10)


def test_spi_angles() -> None:
    flip = flips("spi_500")
    assert flip[[0, 83, 123, 207, 291, 375]] == pytest.approx([25 / 84, 25, 25, 0, 75, 0], abs=1e-6)
    assert np.allclose(flip[84:124], 25)
    assert np.allclose(flip[376:], 8.3333)
    assert load_sequence("spi_500").trains[0].te[0] == 0.0007


def test_knee_segments() -> None:
    sequence = load_sequence("knee_t1_t2_t1rho")
    segments = [sequence.blocks[start : start + 3] for start in range(0, 48, 3)]
    types = [preparation.type for preparation, _, _ in segments]
    half = ["inversion", "crusher", "t2_prep", "t2_prep"]
    other = ["inversion", "crusher", "spin_lock", "spin_lock"]
    assert types == (half + other) * 2
    for segment in segments:
        assert sum(block.duration for block in segment) == pytest.approx(1.0, abs=1e-12)
        assert isinstance(segment[1], ReadoutTrain)
        assert segment[1].pulses == 48
    prepared = [preparation for preparation, _, _ in segments]
    assert [p.delay for p in prepared if isinstance(p, Inversion)] == [1e-5, 0.035, 0.38, 0.13]
    assert [p.echo_time for p in prepared if isinstance(p, T2Preparation)] == [0.04, 0.08] * 2
    locks = [p for p in prepared if isinstance(p, SpinLock)]
    assert [p.lock_time for p in locks] == [0.04, 0.08] * 2
    assert {p.frequency for p in locks} == {300.0}


def test_knee_maxima_fill_their_range() -> None:
    """Any eighth of the range from 7.67 to 15 degrees holds at least one of the 16 maxima."""
    first = [np.degrees(train.flip) for train in load_sequence("knee_t1_t2_t1rho").trains]
    assert [flip[0] for flip in first] == pytest.approx([4.0] * 16)
    maxima = np.array([flip.max() for flip in first])
    counts, _ = np.histogram(maxima, bins=8, range=(7.66, 15.0))
    assert counts.sum() == 16
    assert counts.min() >= 1


def test_diffusion_preparations_share_one_echo_time() -> None:
    blocks = load_sequence("diffusion_fisp").blocks
    preparations = [block for block in blocks if isinstance(block, DiffusionPreparation)]
    assert [block.b_value for block in preparations] == [0, 400, 800, 0, 800]
    assert {block.echo_time for block in preparations} == {0.05}
