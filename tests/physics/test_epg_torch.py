"""The torch kernel, run on the processor, against the reference and the other kernel."""

from typing import Any

import numpy as np
import pytest

from spinprint import Tissue
from spinprint.device import VARIABLE
from spinprint.parameters import PARAMETERS
from spinprint.physics import engine
from spinprint.physics.reference.epg import simulate_epg
from spinprint.physics.simulate import simulate
from spinprint.sequence import ReadoutTrain, Sequence
from spinprint.sequence.slice_profile import GivenProfile

from .conftest import assert_same, everything, some_tissue

N = 11
TISSUE = some_tissue(N)
OFF_RESONANT = TISSUE.replace(b0=np.random.default_rng(0).uniform(-40, 40, N))


@pytest.fixture
def by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "torch-cpu")
    monkeypatch.setattr(engine, "WORTH_A_GPU", 1)


@pytest.mark.usefixtures("by_torch")
@pytest.mark.parametrize("phases", [False, True], ids=["one axis", "phases"])
@pytest.mark.parametrize("spoiler", [0.0, 4.0])
@pytest.mark.parametrize("tissue", [TISSUE, OFF_RESONANT], ids=["on", "off resonance"])
@pytest.mark.parametrize("n_states", [1, 5, 1000])
def test_agrees_with_the_reference(
    phases: bool, spoiler: float, tissue: Tissue, n_states: int
) -> None:
    played = everything(phases=phases, spoiler=spoiler)
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
    played, tissue = everything(phases=phases, spoiler=4.0), OFF_RESONANT if phases else TISSUE
    signal, slopes = simulate(played, tissue, n_states=n_states, wrt=wrt)
    request.getfixturevalue("by_torch")
    by_torch = simulate(played, tissue, n_states=n_states, wrt=wrt)
    assert_same(by_torch[0], signal)
    assert_same(by_torch[1], slopes, 1e-4)


@pytest.mark.usefixtures("by_torch")
def test_chunks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    from spinprint.physics.kernels import epg_torch

    played = everything(spoiler=4.0)
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
    profile = GivenProfile(relative_flip=[1, 0.6], weight=[0.7, 0.3])
    played = everything(phases=False, spoiler=4.0, slice_profile=profile)
    assert_same(simulate(played, TISSUE), simulate_epg(played, TISSUE))


def test_few_tissues_stay_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    played = everything(phases=False, spoiler=4.0)
    expected = simulate(played, TISSUE)
    monkeypatch.setenv(VARIABLE, "torch-cpu")
    np.testing.assert_array_equal(simulate(played, TISSUE), expected)
