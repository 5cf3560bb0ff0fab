"""The automatic number of orders: within its stated bound of all orders, whatever tissue and fields
a call has."""

from typing import Any

import numpy as np
import pytest

from spinprint import Sequence, Tissue, presets, simulate
from spinprint.physics.orders import SLOPE_TOLERANCE, TOLERANCE, orders_of
from spinprint.sequence import Inversion, ReadoutTrain, SmallTipProfile

ALL = 10_000
WRT = ("t1", "t2", "b1")


def sequence(name: str, *blocks: Any, **given: Any) -> Sequence:
    return Sequence(name=name, field_strength=3.0, blocks=blocks, **given)


def echoes(flip_deg: float, phase: float, count: int = 200) -> ReadoutTrain:
    """90° and a train of refocusing pulses."""
    flip = np.deg2rad([90.0, *[flip_deg] * count])
    return ReadoutTrain(flip=flip, phase=[0.0, *[phase] * count], tr=0.008, te=0.004)


def varied(count: int, spoiled: Any, seed: int = 3) -> ReadoutTrain:
    rng = np.random.default_rng(seed)
    return ReadoutTrain(
        flip=rng.uniform(0.1, 1.5, count),
        phase=rng.uniform(-3, 3, count),
        tr=rng.uniform(0.006, 0.012, count),
        te=0.002,
        spoiler_cycles=spoiled,
    )


SMOOTH = ReadoutTrain(
    flip=np.deg2rad(10 + 50 * np.sin(np.linspace(0, 9, 250)) ** 2), tr=0.012, te=0.003
)
SEQUENCES = {
    "CPMG": sequence("CPMG", echoes(180, np.pi / 2)),
    "CP": sequence("CP", echoes(180, 0.0)),
    "120 degrees": sequence("120 degrees", echoes(120, np.pi / 2)),
    "FISP": sequence("FISP", Inversion(delay=0.02), SMOOTH),
    "5 degrees": sequence("5 degrees", ReadoutTrain(flip=[0.087] * 200, tr=0.004, te=0.001)),
    "mixed": sequence("mixed", Inversion(delay=0.02), varied(200, [0, 1, 1, 1, 1] * 40)),
    "balanced, then spoiled": sequence("both", varied(100, 0), varied(150, 1)),
    "slice profile": sequence(
        "slice profile", Inversion(delay=0.02), SMOOTH,
        slice_profile=SmallTipProfile(time_bandwidth=4, positions=4),
    ),
    "fisp_cao500": presets.fisp_cao500(),
}  # fmt: skip


def tissue(b1: Any, seed: int, *, b0: float = 0.0, longest: float = 6.0) -> Tissue:
    """Tissues of all kinds, with T2 up to T1."""
    rng = np.random.default_rng(seed)
    t2 = 10 ** rng.uniform(-2.3, 0.45, len(b1))
    t1 = np.maximum(t2, 10 ** rng.uniform(-1.3, np.log10(longest), len(b1)))
    return Tissue(t1=t1, t2=t2, b1=b1, b0=b0 * rng.uniform(-1, 1, len(b1)))


def off(kept: Any, exact: Any) -> Any:
    """Largest change relative to the peak of each signal."""
    return np.abs(kept - exact).max(axis=-1) / np.maximum(np.abs(exact).max(axis=-1), 1e-30)


@pytest.mark.parametrize("b0", [0.0, 300.0])
@pytest.mark.parametrize("b1", [(0.01, 0.4), (0.4, 1.6), (1.6, 4.0), (1.97, 2.03)])
@pytest.mark.parametrize("name", SEQUENCES)
def test_the_bound_holds_in_every_field(name: str, b1: tuple[float, float], b0: float) -> None:
    some = tissue(np.random.default_rng(7).uniform(*b1, 48), seed=8, b0=b0)
    exact, exact_slopes = simulate(SEQUENCES[name], some, n_states=ALL, wrt=WRT)
    kept, kept_slopes = simulate(SEQUENCES[name], some, wrt=WRT)
    assert off(simulate(SEQUENCES[name], some), exact).max() < TOLERANCE
    assert off(kept, exact).max() < TOLERANCE
    assert off(kept_slopes, exact_slopes).max() < SLOPE_TOLERANCE


def test_weakly_refocused_echoes_keep_their_orders() -> None:
    """90°, then 200 pulses of 180° at B1 0.3: 5e-4 of the peak were lost once."""
    some = Tissue(t1=np.array(2.0), t2=np.array(0.6), b1=np.array([0.1, 0.3, 1.7, 2.9]))
    exact = simulate(SEQUENCES["CPMG"], some, n_states=ALL)
    assert off(simulate(SEQUENCES["CPMG"], some), exact).max() < TOLERANCE


def test_the_bound_holds_beyond_all_tissue() -> None:
    t1, t2 = np.array([30.0, 9.0, 8.0, 0.02, 0.3]), np.array([0.5, 9.0, 0.05, 0.15, 2.0])
    some = Tissue(t1=t1, t2=t2, b1=np.array([1.0, 1.0, 9.0, 0.5, 0.0]))
    for one in SEQUENCES.values():
        exact, exact_slopes = simulate(one, some, n_states=ALL, wrt=WRT)
        kept, kept_slopes = simulate(one, some, wrt=WRT)
        assert off(kept, exact).max() < TOLERANCE
        assert off(kept_slopes, exact_slopes).max() < SLOPE_TOLERANCE


def test_usual_tissue_needs_few_orders_whatever_its_company() -> None:
    alone = Tissue(t1=np.array([0.9]), t2=np.array([0.05]))
    others = Tissue(
        t1=np.array([0.9, 2.0, 1.0, 3.0]),
        t2=np.array([0.05, 0.6, 0.05, 2.0]),
        b1=np.array([1.0, 0.1, 3.0, 9.0]),
    )
    for slopes in (False, True):
        few = orders_of(presets.fisp_cao500(), alone, slopes=slopes)
        assert few[0] < 40
        assert orders_of(presets.fisp_cao500(), others, slopes=slopes)[0] == few[0]
