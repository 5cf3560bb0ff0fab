"""Tissue, order and noise depend on seed and count, not on earlier draws."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import Data, Mlp, Model, NetworkConfig, Recurrent, Sequence
from spinprint.streams import stream
from spinprint.training._data import Source, add_noise, simulate_block, torch_stream

from .conftest import tiny

MLP, RECURRENT = Mlp(width=8, blocks=0), Recurrent(width=8)


@pytest.fixture
def model(sequence: Sequence) -> Model:
    return Model.create(sequence, config=NetworkConfig(core=MLP))


@contextmanager
def source(model: Model, *, seed: int = 0, stage: int = 0, **data: Any) -> Iterator[Source]:
    data_source = Source(model, Data(**{"block": 200, "passes": 3, **data}), (seed, stage))
    yield data_source
    data_source.close()


@pytest.mark.parametrize("core", [MLP, RECURRENT], ids=["basis", "time"])
@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("snr_db", [0.0, 20.0, 50.0])
def test_noise_has_the_stated_snr(core: Any, kind: str, snr_db: float) -> None:
    """20 log10(rms over time of the signal / (sqrt(2) sigma)), in a basis as in time."""
    model = Model.create(tiny(kind), config=NetworkConfig(core=core))
    clean = simulate_block(model, 3000, stream(1))
    noisy = add_noise(clean, torch.full((3000,), snr_db), torch_stream(2))
    imaginary = 0 if clean.imaginary is None else clean.imaginary
    energy = (clean.real**2 + imaginary**2).sum(dim=1)
    rms = torch.sqrt(energy / model.sequence.n_samples)
    ratio = 20 * torch.log10(rms / (2**0.5 * noisy.sigma))
    # The energy outside the basis, at most 1e-6, is negligible.
    np.testing.assert_allclose(ratio, snr_db, atol=1e-2)
    for noise in (noisy.real - clean.real, noisy.imaginary - imaginary):
        drawn = (noise / noisy.sigma[:, None]).numpy()
        assert drawn.mean() == pytest.approx(0, abs=0.02)
        assert drawn.std(axis=0) == pytest.approx(1, abs=0.06)


def test_clean_signals_have_no_noise(model: Model) -> None:
    clean = simulate_block(model, 5, stream(1))
    noisy = add_noise(clean, None, torch_stream(2))
    assert torch.equal(noisy.real, clean.real)
    assert not noisy.imaginary.any()
    assert not noisy.sigma.any()


def test_blocks_depend_only_on_seed_stage_and_number(model: Model) -> None:
    with source(model) as first_source, source(model) as same:
        first, second, third = (first_source.block(number).targets for number in range(3))
        assert torch.equal(same.block(2).targets, third)
        assert torch.equal(same.block(0).targets, first)
    assert not torch.equal(first, second)
    for changes in ({"seed": 1}, {"stage": 1}):
        with source(model, **changes) as other:
            assert not torch.equal(other.block(0).targets, first)


def test_fixed_set_repeats_the_same_tissue(model: Model) -> None:
    with source(model, tissues=100) as early, source(model, tissues=100, stage=1) as later:
        sets = [early.block(0), early.block(5), later.block(3)]
        assert torch.equal(sets[0].targets, sets[1].targets)
        assert torch.equal(sets[0].real, sets[2].real)
        assert len(sets[0].real) == 100


def test_every_pass_has_all_tissues_in_a_new_order(model: Model) -> None:
    with source(model) as data:
        steps = [data.rows(step, 50) for step in range(24)]
        again = [data.rows(step, 50) for step in reversed(range(24))]
    assert [number for number, _ in steps] == [0] * 12 + [1] * 12
    passes = [torch.cat([rows for _, rows in steps[i : i + 4]]) for i in range(0, 24, 4)]
    for rows in passes:
        assert torch.equal(rows.sort().values, torch.arange(200))
    assert len({tuple(rows.tolist()) for rows in passes}) == 6
    assert all(torch.equal(a[1], b[1]) for a, b in zip(steps, reversed(again), strict=True))


def test_small_set_fills_a_batch(model: Model) -> None:
    with source(model, tissues=7) as data:
        rows = [data.rows(step, 50)[1] for step in range(6)]
    assert all(len(row) == 50 and row.max() < 7 for row in rows)
    assert len({tuple(row.tolist()) for row in rows}) == 6


def test_streams_of_different_keys_differ() -> None:
    keys = [(5,), (5, 0), (5, 0, 0), (0, 5), (5, 3), (5, 3, 0), (5, 3, 1)]
    assert len({float(stream(*key).random()) for key in keys}) == len(keys)
    drawn = {float(torch.rand(1, generator=torch_stream(*key))) for key in keys}
    assert len(drawn) == len(keys)
    assert stream(5, 3).random() == stream(5, 3).random()
