"""What physics demands of every sequence and tissue: drawn by hypothesis, held by the kernel."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinprint import Tissue
from spinprint.physics.reference.epg import simulate_epg
from spinprint.physics.simulate import simulate
from spinprint.sequence import (
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    Sequence,
    SpinLock,
    T2Preparation,
)

few = settings(max_examples=15, deadline=None, derandomize=True)

Strategy = st.SearchStrategy


def numbers(low: float, high: float) -> Strategy[float]:
    return st.floats(low, high, allow_subnormal=False)


@st.composite
def trains(draw: Any, spoiled: Strategy[int] = st.integers(0, 1)) -> ReadoutTrain:  # noqa: B008
    pulses = draw(st.integers(1, 24))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    tr = rng.uniform(0.004, 0.02, pulses)
    return ReadoutTrain(
        flip=rng.uniform(-1.5, 1.5, pulses),
        phase=rng.uniform(-4, 4, pulses) if draw(st.booleans()) else 0.0,
        tr=tr,
        te=tr * draw(numbers(0, 1)),
        spoiler_cycles=[draw(spoiled) for _ in range(pulses)],
    )


preparations: Strategy[Block] = st.one_of(
    st.builds(Inversion, delay=numbers(0, 0.5), efficiency=numbers(0, 1)),
    st.builds(T2Preparation, echo_time=numbers(0, 0.1)),
    st.builds(SpinLock, lock_time=numbers(0, 0.1), frequency=st.just(300.0)),
    st.builds(DiffusionPreparation, b_value=numbers(0, 1000), echo_time=numbers(0, 0.1)),
    st.builds(Crusher),
    st.builds(Delay, length=numbers(0, 0.5)),
)


def of(*blocks: Block, spoiler: float = 0.0) -> Sequence:
    return Sequence(name="drawn", field_strength=3.0, blocks=blocks, spoiler=spoiler)


@st.composite
def sequences(draw: Any) -> Sequence:
    blocks = draw(st.lists(st.one_of(preparations, trains()), max_size=5))
    spoiler = draw(st.sampled_from([0.0, 4.0]))
    return of(*blocks, draw(trains()), spoiler=spoiler)


@st.composite
def tissues(draw: Any, size: Strategy[int] = st.integers(1, 37)) -> Tissue:  # noqa: B008
    count = draw(size)
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    t1 = np.exp(rng.uniform(np.log(0.05), np.log(6), count))
    t2 = np.minimum(t1, np.exp(rng.uniform(np.log(0.005), np.log(3), count)))
    return Tissue(
        t1=t1,
        t2=t2,
        t1rho=np.sqrt(t1 * t2),
        adc=rng.uniform(0, 4e-3, count),
        b1=rng.uniform(0.5, 1.5, count),
        b0=rng.uniform(-50, 50, count) if draw(st.booleans()) else None,
    )


def with_trains(sequence: Sequence, change: Any) -> Sequence:
    """The sequence with another train in the place of each."""
    blocks = [change(one) if isinstance(one, ReadoutTrain) else one for one in sequence.blocks]
    return of(*blocks, spoiler=sequence.spoiler)


def assert_same(signal: Any, expected: Any, tolerance: float = 1e-5) -> None:
    """Signals per unit of M0, whose rounding scales with M0 and not with a small signal."""
    np.testing.assert_allclose(signal, expected, rtol=0, atol=tolerance)


@few
@given(sequences(), tissues(st.integers(1, 5)))
def test_the_kernel_agrees_with_the_reference(sequence: Sequence, tissue: Tissue) -> None:
    assert_same(simulate(sequence, tissue, n_states=500), simulate_epg(sequence, tissue))


@few
@given(sequences(), sequences(), tissues())
def test_what_comes_later_changes_nothing_before(
    first: Sequence, second: Sequence, tissue: Tissue
) -> None:
    spoiler = first.spoiler
    whole = of(*first.blocks, *second.blocks, spoiler=spoiler)
    alone = simulate(first, tissue, n_states=500)
    assert_same(simulate(whole, tissue, n_states=500)[:, : first.n_samples], alone, 1e-6)


@few
@given(sequences(), tissues(), numbers(0.3, 1.7))
def test_b1_scales_the_flip_angle_and_nothing_else(
    sequence: Sequence, tissue: Tissue, factor: float
) -> None:
    scaled = with_trains(
        sequence,
        lambda train: ReadoutTrain(
            flip=factor * np.array(train.flip), phase=train.phase, tr=train.tr, te=train.te,
            spoiler_cycles=train.spoiler_cycles,
        ),
    )  # fmt: skip
    expected = simulate(sequence, tissue.replace(b1=factor * tissue.get("b1")), n_states=500)
    assert_same(simulate(scaled, tissue, n_states=500), expected)


@few
@given(sequences(), tissues(), numbers(-7, 7))
def test_one_phase_for_all_pulses_and_the_receiver_cancels(
    sequence: Sequence, tissue: Tissue, phase: float
) -> None:
    turned = with_trains(
        sequence,
        lambda train: ReadoutTrain(
            flip=train.flip, phase=phase + np.array(train.phase), tr=train.tr, te=train.te,
            spoiler_cycles=train.spoiler_cycles,
        ),
    )  # fmt: skip
    expected = simulate(sequence, tissue, n_states=500)
    assert_same(simulate(turned, tissue, n_states=500), expected)


@few
@given(trains(spoiled=st.just(0)), numbers(-80, 80))
def test_without_relaxation_balanced_pulses_only_turn_the_magnetisation(
    train: ReadoutTrain, b0: float
) -> None:
    """A last pulse about each axis reads one component each: the length stays 1.

    F after a 90 degree pulse is Mz along the pulse, and what lay across stays as it was.
    """
    forever = Tissue(t1=np.array(1e9), t2=np.array(1e9), b0=np.array(b0))

    def look(flip: float) -> Any:
        pulse = ReadoutTrain(flip=flip, tr=0.0, te=0.0, spoiler_cycles=0)
        return simulate(of(train, pulse), forever)[-1]

    transverse, longitudinal = look(0.0), look(np.pi / 2).real
    assert np.abs(transverse) ** 2 + longitudinal**2 == pytest.approx(1, abs=1e-5)


@few
@given(sequences(), tissues())
def test_no_diffusion_is_diffusion_of_zero(sequence: Sequence, tissue: Tissue) -> None:
    still = of(*sequence.blocks)
    expected = simulate(still, tissue.replace(adc=None), n_states=500)
    signal = simulate(sequence, tissue.replace(adc=np.array(0.0)), n_states=500)
    assert_same(signal, expected, 1e-6)


@few
@given(sequences(), tissues(st.integers(2, 60)), st.data())
def test_signals_do_not_depend_on_their_company(
    sequence: Sequence, tissue: Tissue, data: Any
) -> None:
    whole = simulate(sequence, tissue)
    order = np.array(data.draw(st.permutations(range(tissue.size))))
    np.testing.assert_array_equal(simulate(sequence, tissue.take(order)), whole[order])
    cut = data.draw(st.integers(1, tissue.size - 1))
    parts = [simulate(sequence, tissue.take(part)) for part in (slice(cut), slice(cut, None))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
