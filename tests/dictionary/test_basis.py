"""The basis: that of an SVD, and as large as asked for."""

import numpy as np
import pytest

from spinprint import Dictionary, DictionaryError, ParameterGrid, Sequence
from spinprint.dictionary.basis import DEFAULT_ENERGY, GramMatrix, choose_rank
from spinprint.physics.simulate import simulate


@pytest.mark.parametrize("which", ["sequence", "with_phases"])
def test_basis_is_that_of_the_svd_of_unit_signals(
    which: str, grid: ParameterGrid, request: pytest.FixtureRequest
) -> None:
    sequence = request.getfixturevalue(which)
    dictionary = Dictionary.build(sequence, grid, rank=6)
    signals = simulate(sequence, grid.tissue()).astype(complex)
    unit = signals / np.linalg.norm(signals, axis=1, keepdims=True)
    _, values, right = np.linalg.svd(unit, full_matrices=False)
    np.testing.assert_allclose(dictionary.singular_values[:6], values[:6], rtol=1e-4)
    # Vectors are unique up to their sign or phase: the projections have to agree.
    basis = dictionary.basis.astype(complex)
    for rank in range(1, 7):
        expected = right[:rank].T @ right[:rank].conj()
        np.testing.assert_allclose(
            basis[:, :rank] @ basis[:, :rank].conj().T, expected, rtol=0, atol=2e-3
        )
    np.testing.assert_allclose(basis.conj().T @ basis, np.eye(6), rtol=0, atol=1e-6)


def test_basis_is_real_where_all_pulses_share_an_axis(
    sequence: Sequence, with_phases: Sequence, grid: ParameterGrid
) -> None:
    assert Dictionary.build(sequence, grid, rank=3).basis.dtype == np.float32
    assert Dictionary.build(with_phases, grid, rank=3).coefficients.dtype == np.complex64


def test_every_signal_counts_alike_whatever_its_norm() -> None:
    rng = np.random.default_rng(0)
    signals = rng.standard_normal((30, 8)) + 1j * rng.standard_normal((30, 8))
    plain, scaled = GramMatrix(8), GramMatrix(8)
    plain.add(signals)
    scaled.add(signals[:11] * 1e-3)
    scaled.add(signals[11:] * 1e4j)
    for one, other in zip(plain.basis(rank=8), scaled.basis(rank=8), strict=True):
        np.testing.assert_allclose(np.abs(one), np.abs(other), atol=1e-12)
    np.testing.assert_allclose(np.sum(plain.basis(rank=8)[1] ** 2), 30)


def test_a_signal_of_zero_does_not_count() -> None:
    gram = GramMatrix(3)
    gram.add(np.array([[0.0, 0, 0], [3, 0, 0]]))
    basis, values = gram.basis(rank=1)
    np.testing.assert_allclose(np.abs(basis[:, 0]), [1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(values, [1, 0, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("energy", "rank"), [(0.5, 1), (0.79, 1), (0.85, 2), (0.97, 3), (0.995, 4)]
)
def test_rank_is_the_fewest_vectors_that_hold_the_energy(energy: float, rank: int) -> None:
    energies = np.array([80.0, 15.0, 4.0, 1.0])
    assert choose_rank(energies, rank=None, energy=energy) == rank


def test_an_energy_that_one_vector_less_does_not_hold(
    sequence: Sequence, grid: ParameterGrid
) -> None:
    for energy in (0.99, 0.9999, None):
        dictionary = Dictionary.build(sequence, grid, energy=energy)
        squares = dictionary.singular_values**2
        kept = np.cumsum(squares) / squares.sum()
        target = DEFAULT_ENERGY if energy is None else energy
        assert kept[dictionary.rank - 2] < target <= kept[dictionary.rank - 1]


def test_the_default_basis_keeps_the_signals(sequence: Sequence, grid: ParameterGrid) -> None:
    dictionary = Dictionary.build(sequence, grid)
    signals = simulate(sequence, grid.tissue())
    lost = signals - dictionary.coefficients @ dictionary.basis.T
    share = np.sum(np.abs(lost) ** 2, axis=1) / np.sum(np.abs(signals) ** 2, axis=1)
    assert share.mean() <= 1.1e-5
    assert dictionary.rank < 12


@pytest.mark.parametrize("rank", [0, -1, 91])
def test_an_impossible_rank_is_refused(rank: int, sequence: Sequence, grid: ParameterGrid) -> None:
    with pytest.raises(DictionaryError, match=f"rank = {rank} must be from 1 to 90"):
        Dictionary.build(sequence, grid, rank=rank)


@pytest.mark.parametrize("energy", [0.0, 1.0, 1.5, -0.1, float("nan")])
def test_an_impossible_energy_is_refused(
    energy: float, sequence: Sequence, grid: ParameterGrid
) -> None:
    with pytest.raises(DictionaryError, match="must lie between 0 and 1"):
        Dictionary.build(sequence, grid, energy=energy)
