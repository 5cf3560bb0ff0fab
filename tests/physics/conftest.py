"""Sequences and tissues for comparing simulators."""

from __future__ import annotations

from typing import Any

import numpy as np

from spinprint import Tissue
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


def train(pulses: int, seed: int, *, phases: bool, spoiled: Any = 1) -> ReadoutTrain:
    rng = np.random.default_rng(seed)
    return ReadoutTrain(
        flip=rng.uniform(0.05, 1.4, pulses),
        phase=rng.uniform(-4, 4, pulses) if phases else np.pi * rng.integers(0, 2, pulses),
        tr=rng.choice([0.009, 0.0105, 0.013], pulses),
        te=rng.choice([0.002, 0.004], pulses),
        spoiler_cycles=spoiled,
    )


def everything(*, phases: bool = True, spoiler: float = 0.0, **more: Any) -> Sequence:
    """All blocks, with spoiled, balanced and mixed trains of awkward lengths."""
    return Sequence(
        name="everything",
        field_strength=3.0,
        spoiler=spoiler,
        blocks=(
            Inversion(delay=0.015, efficiency=0.93),
            train(23, 0, phases=phases),
            T2Preparation(echo_time=0.04),
            Delay(length=0.03),
            train(17, 1, phases=phases, spoiled=np.minimum(np.arange(17) % 4, 1)),
            Delay(length=0.05),
            SpinLock(lock_time=0.03, frequency=300.0),
            train(5, 2, phases=phases, spoiled=0),
            Crusher(),
            DiffusionPreparation(b_value=600.0, echo_time=0.03),
            train(1, 3, phases=phases),
            Delay(length=0.02),
            train(14, 4, phases=phases),
        ),
        **more,
    )


def some_tissue(size: int, seed: int = 0, **more: Any) -> Tissue:
    rng = np.random.default_rng(seed)
    t1 = np.exp(rng.uniform(np.log(0.1), np.log(5), size))
    t2 = np.minimum(t1, np.exp(rng.uniform(np.log(0.008), np.log(2.5), size)))
    return Tissue(
        t1=t1,
        t2=t2,
        t1rho=t2 + rng.uniform(0, 1, size) * (t1 - t2),
        adc=rng.uniform(0, 3.2e-3, size),
        b1=rng.uniform(0.7, 1.3, size),
        **more,
    )


def assert_same(signal: Any, expected: Any, tolerance: float = 1e-5) -> None:
    """Each signal agrees within a fraction of its own peak; the default is that of float32."""
    assert signal.shape == expected.shape
    peak = np.abs(expected).max(axis=-1)
    error = np.abs(signal - expected).max(axis=-1) / np.where(peak > 0, peak, 1)
    assert error.max() < tolerance
