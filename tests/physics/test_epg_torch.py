"""The kernel in torch, on the processor: the reference's signal, the other kernel's slopes."""

from typing import Any

import numpy as np
import pytest

from spinprint import Tissue
from spinprint.device import VARIABLE
from spinprint.parameters import PARAMETERS
from spinprint.physics import engine
from spinprint.physics.reference.epg import simulate_epg
from spinprint.physics.simulate import simulate
from spinprint.sequence import (
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    Sequence,
    SpinLock,
    T2Preparation,
)
from spinprint.sequence.slice_profile import GivenProfile

N = 11
RNG = np.random.default_rng(0)
T1 = np.exp(RNG.uniform(np.log(0.1), np.log(5), N))
T2 = np.minimum(T1, np.exp(RNG.uniform(np.log(0.008), np.log(2), N)))
TISSUE = Tissue(
    t1=T1,
    t2=T2,
    t1rho=T2 + RNG.uniform(0, 1, N) * (T1 - T2),
    adc=RNG.uniform(0, 3.2e-3, N),
    b1=RNG.uniform(0.7, 1.3, N),
)
OFF_RESONANT = TISSUE.replace(b0=RNG.uniform(-40, 40, N))


def sequence(*, phases: bool, spoiler: float = 4.0, **more: Any) -> Sequence:
    """All blocks; spoiled, balanced and mixed trains."""

    def train(pulses: int, spoiled: Any = 1) -> ReadoutTrain:
        rng = np.random.default_rng(pulses)
        return ReadoutTrain(
            flip=rng.uniform(0.05, 1.4, pulses),
            phase=rng.uniform(-4, 4, pulses) if phases else np.pi * rng.integers(0, 2, pulses),
            tr=rng.choice([0.009, 0.0105, 0.013], pulses),
            te=rng.choice([0.002, 0.004], pulses),
            spoiler_cycles=spoiled,
        )

    return Sequence(
        name="everything",
        field_strength=3.0,
        spoiler=spoiler,
        blocks=(
            Inversion(delay=0.015, efficiency=0.93),
            train(23),
            T2Preparation(echo_time=0.04),
            Delay(length=0.03),
            train(17, np.minimum(np.arange(17) % 4, 1)),
            SpinLock(lock_time=0.03, frequency=300.0),
            train(5, 0),
            Crusher(),
            DiffusionPreparation(b_value=600.0, echo_time=0.03),
            train(14),
        ),
        **more,
    )


@pytest.fixture
def by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "torch-cpu")
    monkeypatch.setattr(engine, "WORTH_A_GPU", 1)


def assert_same(signal: Any, expected: Any, tolerance: float = 1e-5) -> None:
    """Each signal within a part of its own peak."""
    assert signal.shape == expected.shape
    peak = np.abs(expected).max(axis=-1)
    error = np.abs(signal - expected).max(axis=-1) / np.where(peak > 0, peak, 1)
    assert error.max() < tolerance


@pytest.mark.usefixtures("by_torch")
@pytest.mark.parametrize("phases", [False, True], ids=["one axis", "phases"])
@pytest.mark.parametrize("spoiler", [0.0, 4.0])
@pytest.mark.parametrize("tissue", [TISSUE, OFF_RESONANT], ids=["on", "off resonance"])
@pytest.mark.parametrize("n_states", [1, 5, 1000])
def test_agrees_with_the_reference(
    phases: bool, spoiler: float, tissue: Tissue, n_states: int
) -> None:
    played = sequence(phases=phases, spoiler=spoiler)
    expected = simulate_epg(played, tissue, n_states=n_states)
    assert_same(simulate(played, tissue, n_states=n_states), expected)


@pytest.mark.parametrize("phases", [False, True], ids=["one axis", "phases"])
@pytest.mark.parametrize("n_states", [4, None])
@pytest.mark.parametrize(
    "wrt", [*((name,) for name in PARAMETERS), tuple(PARAMETERS)[::-1]], ids="-".join
)
def test_derivatives_agree_with_those_of_the_processor(
    phases: bool, n_states: int | None, wrt: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    played, tissue = sequence(phases=phases), OFF_RESONANT if phases else TISSUE
    signal, slopes = simulate(played, tissue, n_states=n_states, wrt=wrt)
    request.getfixturevalue("by_torch")
    by_torch = simulate(played, tissue, n_states=n_states, wrt=wrt)
    assert_same(by_torch[0], signal)
    assert_same(by_torch[1], slopes, 1e-4)


@pytest.mark.usefixtures("by_torch")
def test_chunks_that_fit_into_memory_give_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from spinprint.physics.kernels import epg_torch

    played = sequence(phases=True)
    expected = simulate(played, TISSUE, wrt=("t2",))
    sizes: list[int] = []
    play = epg_torch._play

    def counted(events: Any, chunk: Any, *more: Any) -> Any:
        sizes.append(len(chunk.r1))
        return play(events, chunk, *more)

    monkeypatch.setattr(epg_torch, "_play", counted)
    monkeypatch.setattr(epg_torch, "MEMORY", 100_000)
    for part, whole in zip(simulate(played, TISSUE, wrt=("t2",)), expected, strict=True):
        assert_same(part, whole, 1e-6)
    assert sum(sizes) == N
    assert max(sizes) < 6


@pytest.mark.parametrize("name", ["t1", "t1rho"])
def test_a_train_alone(name: str, request: pytest.FixtureRequest) -> None:
    """No preparation, and a parameter that nothing depends on."""
    train = ReadoutTrain(flip=np.full(30, 0.4), tr=0.01, te=0.003)
    played = Sequence(name="train", field_strength=3.0, blocks=(train,))
    expected = simulate(played, TISSUE, wrt=(name,))
    request.getfixturevalue("by_torch")
    for part, whole in zip(simulate(played, TISSUE, wrt=(name,)), expected, strict=True):
        assert_same(part, whole)


@pytest.mark.usefixtures("by_torch")
def test_a_slice_profile_is_summed() -> None:
    played = sequence(
        phases=False, slice_profile=GivenProfile(relative_flip=[1, 0.6], weight=[0.7, 0.3])
    )
    assert_same(simulate(played, TISSUE), simulate_epg(played, TISSUE))


def test_few_tissues_stay_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    played = sequence(phases=False)
    expected = simulate(played, TISSUE)
    monkeypatch.setenv(VARIABLE, "torch-cpu")
    np.testing.assert_array_equal(simulate(played, TISSUE), expected)
