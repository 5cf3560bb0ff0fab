"""Matching is exact: the same atom as from a plain search, for all sizes."""

from typing import Any

import numpy as np
import pytest

from spinprint import Dictionary, DictionaryError, ParameterGrid, Sequence, Tissue
from spinprint.dictionary.matching_cpu import CpuMatcher
from spinprint.physics.simulate import simulate


def plain_search(atoms: Any, series: Any) -> Any:
    """|<d, y>| of unit-norm atoms in double precision, `(voxel, atom)`."""
    atoms, series = np.asarray(atoms, complex), np.asarray(series, complex)
    norms = np.linalg.norm(atoms, axis=1)
    return np.abs(series @ (atoms / np.where(norms > 0, norms, np.inf)[:, None]).conj().T)


def draw(shape: tuple[int, int], seed: int, *, as_complex: bool) -> Any:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    if as_complex:
        return (values + 1j * rng.standard_normal(shape)).astype(np.complex64)
    return values.astype(np.float32)


@pytest.mark.parametrize("n_atoms", [1, 15, 16, 17, 512, 1031])
@pytest.mark.parametrize("n_voxels", [1, 4, 13, 257])
@pytest.mark.parametrize("rank", [1, 7])
@pytest.mark.parametrize("as_complex", [False, True], ids=["real", "complex"])
def test_best_atoms_equal_those_of_a_plain_search(
    n_atoms: int, n_voxels: int, rank: int, as_complex: bool
) -> None:
    atoms = draw((n_atoms, rank), 1, as_complex=as_complex)
    series = draw((n_voxels, rank), 2, as_complex=True)
    index, score = CpuMatcher(atoms).best(series)
    products = plain_search(atoms, series)
    best = products.max(axis=1)
    np.testing.assert_allclose(score, best, rtol=2e-6)
    # Where two atoms are as good to 1e-6, rounding may choose between them.
    chosen = products[np.arange(n_voxels), index]
    assert (chosen >= best * (1 - 1e-6)).all()
    clear = np.sum(products >= best[:, None] * (1 - 1e-6), axis=1) == 1
    np.testing.assert_array_equal(index[clear], products.argmax(axis=1)[clear])
    assert clear.mean() > 0.9 or n_atoms == 1 or rank == 1


@pytest.mark.parametrize("which", ["sequence", "with_phases"])
def test_every_atom_finds_itself_under_any_phase_and_scale(
    which: str, grid: ParameterGrid, request: pytest.FixtureRequest
) -> None:
    dictionary = Dictionary.build(request.getfixturevalue(which), grid)
    rng = np.random.default_rng(3)
    factor = np.exp(rng.uniform(-9, 9, grid.size) + 1j * rng.uniform(-4, 4, grid.size))
    series = simulate(dictionary.sequence, grid.tissue()) * factor[:, None].astype(np.complex64)
    index, score = dictionary.match(series)
    np.testing.assert_array_equal(index, np.arange(grid.size))
    np.testing.assert_allclose(score, 1, atol=2e-6)


@pytest.mark.parametrize("which", ["sequence", "with_phases"])
def test_noisy_fingerprints_match_as_by_a_plain_search_of_all_samples(
    which: str, grid: ParameterGrid, request: pytest.FixtureRequest
) -> None:
    """In the whole basis, `rank = time`, matching compressed is matching uncompressed."""
    sequence = request.getfixturevalue(which)
    tissue = grid.tissue().take(slice(None, None, 7))
    signals = simulate(sequence, tissue) * np.exp(2j)
    noise = draw((2 * tissue.size, signals.shape[1]), 5, as_complex=False)
    series = signals + 0.01 * (noise[: tissue.size] + 1j * noise[tissue.size :])
    dictionary = Dictionary.build(sequence, grid, rank=sequence.n_samples)
    index, score = dictionary.match(series)
    products = plain_search(simulate(sequence, grid.tissue()), series)
    # Neighbours on the grid may be alike to the rounding of float32.
    best = products.max(axis=1)
    assert (products[np.arange(len(index)), index] >= best * (1 - 1e-6)).all()
    assert (index == products.argmax(axis=1)).mean() > 0.95
    norms = np.linalg.norm(series, axis=1)
    np.testing.assert_allclose(score, products.max(axis=1) / norms, rtol=1e-4)


@pytest.mark.parametrize("copies", [(0, 40), (3, 4), (5, 21), (2, 18, 34)])
def test_of_equal_atoms_the_first_wins(copies: tuple[int, ...]) -> None:
    atoms = draw((50, 5), 4, as_complex=False)
    atoms[list(copies)] = atoms[copies[0]]
    index, _ = CpuMatcher(atoms).best(1j * atoms[copies[:1],].astype(np.complex64))
    assert index.tolist() == [copies[0]]


def test_a_voxel_of_zero_scores_zero(sequence: Sequence, grid: ParameterGrid) -> None:
    dictionary = Dictionary.build(sequence, grid, rank=5)
    series = np.zeros((3, 90), np.complex64)
    series[1] = simulate(sequence, grid.tissue().take([20]))[0]
    index, score = dictionary.match(series)
    assert score.tolist() == [0, pytest.approx(1, abs=1e-5), 0]
    assert index[1] == 20


def test_an_atom_of_zero_never_wins() -> None:
    atoms = draw((20, 4), 6, as_complex=True)
    atoms[:19] = 0
    index, _ = CpuMatcher(atoms).best(draw((9, 4), 7, as_complex=True))
    assert (index == 19).all()


def test_index_and_score_have_the_shape_of_the_voxels(
    sequence: Sequence, grid: ParameterGrid
) -> None:
    dictionary = Dictionary.build(sequence, grid, rank=5)
    series = simulate(sequence, grid.tissue().take(slice(24))).reshape(2, 3, 4, 90)
    index, score = dictionary.match(series)
    np.testing.assert_array_equal(index, np.arange(24).reshape(2, 3, 4))
    assert (score.shape, index.dtype, score.dtype) == ((2, 3, 4), np.int64, np.float32)
    assert dictionary.match(series[0, 0, 0])[0].shape == ()
    assert dictionary.match(series[:, :0])[0].shape == (2, 0, 4)


def test_matching_reports_its_progress() -> None:
    reported: list[tuple[int, int]] = []
    atoms, series = draw((20, 4), 6, as_complex=False), draw((600, 4), 7, as_complex=True)
    CpuMatcher(atoms).best(series, lambda done, total: reported.append((done, total)))
    assert reported == [(256, 600), (512, 600), (600, 600)]


@pytest.mark.parametrize("length", [1, 89, 91])
def test_a_series_of_another_length_is_refused(
    length: int, sequence: Sequence, grid: ParameterGrid
) -> None:
    dictionary = Dictionary.build(sequence, grid, rank=5)
    with pytest.raises(
        DictionaryError, match=f"series has {length} time points, the dictionary 90"
    ):
        dictionary.match(np.ones((2, length), np.complex64))


def test_atoms_may_be_any_tissues(sequence: Sequence) -> None:
    tissue = Tissue(t1=np.array([[0.5], [1.1]]), t2=np.array([0.04, 0.09, 0.2]), b1=np.array(0.9))
    dictionary = Dictionary.build(sequence, tissue, rank=4)
    assert dictionary.grid is None
    assert (dictionary.n_atoms, dictionary.rank) == (6, 4)
    assert dictionary.parameters == ("t1", "t2")
    index, _ = dictionary.match(simulate(sequence, tissue))
    np.testing.assert_array_equal(index, np.arange(6).reshape(2, 3))


def test_one_atom_is_a_dictionary(sequence: Sequence) -> None:
    dictionary = Dictionary.build(sequence, Tissue(t1=np.array(1.0), t2=np.array(0.1)), rank=1)
    assert dictionary.parameters == ()
    index, score = dictionary.match(dictionary.basis[:, 0][None] * 2j)
    assert index.tolist() == [0]
    assert score == pytest.approx(1)


def test_building_reports_its_progress(sequence: Sequence, grid: ParameterGrid) -> None:
    reported: list[tuple[int, int]] = []
    Dictionary.build(sequence, grid, progress=lambda done, total: reported.append((done, total)))
    totals = {total for _, total in reported}
    done = [count for count, _ in reported]
    assert done == sorted(done)
    assert totals == {done[-1]}


@pytest.mark.parametrize("count", [1, 3, 17])
@pytest.mark.parametrize("as_complex", [False, True], ids=["real", "complex"])
def test_the_best_atoms_come_in_the_order_of_a_plain_search(count: int, as_complex: bool) -> None:
    atoms, series = draw((531, 6), 5, as_complex=as_complex), draw((13, 6), 6, as_complex=True)
    atoms[100] = 0  # never wins
    index, score = CpuMatcher(atoms).top(series, count)
    products = plain_search(atoms, series)
    expected = np.argsort(-products, axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_allclose(score, np.take_along_axis(products, expected, 1), rtol=2e-6)


def test_equal_atoms_come_in_their_own_order() -> None:
    atoms = np.tile(draw((3, 4), 7, as_complex=False), (11, 1))
    index, _ = CpuMatcher(atoms).top(atoms[1:2].astype(np.complex64), 11)
    np.testing.assert_array_equal(index[0], np.arange(1, 33, 3))


def test_a_dictionary_returns_the_requested_number_of_matches(
    sequence: Sequence, grid: ParameterGrid
) -> None:
    dictionary = Dictionary.build(sequence, grid, rank=6)
    series = simulate(sequence, grid.tissue())[:10].reshape(5, 2, -1)
    index, score = dictionary.match(series, top=4)
    assert index.shape == score.shape == (5, 2, 4)
    np.testing.assert_array_equal(index[..., 0], dictionary.match(series)[0])
    assert (np.diff(score, axis=-1) <= 0).all()
    for top in (0, grid.size + 1):
        with pytest.raises(DictionaryError, match=f"top = {top} must be from 1 to"):
            dictionary.match(series, top=top)


@pytest.mark.parametrize("as_complex", [False, True], ids=["real", "complex"])
def test_the_extent_is_that_of_all_atoms_above_the_floor(as_complex: bool) -> None:
    atoms, series = draw((531, 6), 8, as_complex=as_complex), draw((13, 6), 9, as_complex=True)
    theta = draw((531, 2), 10, as_complex=False).astype(np.float64)
    products = plain_search(atoms, series)
    floor = (0.9 * products.max(axis=1)) ** 2
    floor[3] = np.inf
    low, high = CpuMatcher(atoms).extent(series, floor, theta)
    counts = products**2 > floor[:, None]
    for voxel in range(13):
        if voxel == 3:
            assert np.isposinf(low[voxel]).all()
            assert np.isneginf(high[voxel]).all()
        else:
            np.testing.assert_array_equal(low[voxel], theta[counts[voxel]].min(axis=0))
            np.testing.assert_array_equal(high[voxel], theta[counts[voxel]].max(axis=0))
