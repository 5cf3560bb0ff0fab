from dataclasses import replace

import numpy as np
import pytest

from spinprint.evaluation import compare
from spinprint.maps import Maps, Status
from spinprint.report import Fingerprint, ReportContent
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

SHAPE = (7, 6, 3)


@pytest.fixture(scope="session")
def sequence() -> Sequence:
    """One block of each kind, 24 samples in 1.5 s."""
    train = ReadoutTrain(flip=np.radians(np.linspace(5, 60, 12)), tr=0.01, te=0.002)
    return Sequence(
        name="a little of everything",
        field_strength=3.0,
        blocks=(
            Inversion(delay=0.02),
            train,
            T2Preparation(echo_time=0.04),
            SpinLock(lock_time=0.05, frequency=300.0),
            DiffusionPreparation(b_value=400.0, echo_time=0.05),
            Crusher(),
            train,
            Delay(length=0.55),
            Delay(length=0.55),
        ),
    )


@pytest.fixture(scope="session")
def truth() -> dict[str, np.ndarray]:
    """Smooth maps of T1 [s] and ADC [mm²/s], NaN in one corner."""
    ramp = np.linspace(0.5, 1.5, np.prod(SHAPE)).reshape(SHAPE)
    truth = {"t1": ramp, "adc": 1e-3 * ramp[::-1]}
    truth["t1"][0, 0, 0] = np.nan
    return truth


@pytest.fixture(scope="session")
def maps(truth: dict[str, np.ndarray]) -> Maps:
    """Estimates with errors of 2 % and honest deviations; one voxel of each kind of trouble."""
    rng = np.random.default_rng(5)
    status = np.full(SHAPE, Status.OK, np.uint8)
    status[6] = Status.OUTSIDE
    status[1, 1, 0] = Status.NO_SIGNAL
    status[1, 2, 0] = Status.AT_EDGE
    empty = np.isin(status, (Status.OUTSIDE, Status.NO_SIGNAL))
    values, sd = {}, {}
    for name, true in truth.items():
        true = np.nan_to_num(true, nan=1.0)
        noisy = true * (1 + 0.02 * rng.standard_normal(SHAPE))
        values[name] = np.where(empty, np.nan, noisy).astype(np.float32)
        sd[name] = np.where(empty, np.nan, 0.02 * true).astype(np.float32)
    return Maps(
        values=values,
        sd=sd,
        m0=np.where(empty, np.nan, 1 + 1j).astype(np.complex64),
        status=status,
        sigma=np.full(SHAPE, 0.003, np.float32),
        affine=np.diag([2.0, 1.0, 5.0, 1.0]),
        provenance={"estimator": "drawn at random", "settings": {"rank": 7}},
    )


@pytest.fixture(scope="session")
def content(sequence: Sequence, maps: Maps, truth: dict[str, np.ndarray]) -> ReportContent:
    """A report with every part."""
    labels = np.ones(SHAPE, np.uint8)
    labels[3:] = 2
    names = {1: "gel", 2: "oil"}
    samples = np.exp(-np.arange(24) / 9) - 0.4
    return ReportContent(
        title="Two tubes",
        description="A phantom of gel and oil.",
        sequence=sequence,
        maps=maps,
        simulated=True,
        truth=truth,
        rows=tuple(compare(maps, truth, labels, names)),
        labels=labels,
        names=names,
        fingerprints=(
            Fingerprint(name="gel", measured=samples * 1j, fitted=samples, values={"t1": 0.8}),
        ),
        singular_values=np.geomspace(1, 1e-5, 24),
        rank=6,
        provenance={"command": "spinprint demo", "seed": 3},
    )


@pytest.fixture(scope="session")
def thin(content: ReportContent) -> ReportContent:
    """The first slice of the report alone."""
    maps, truth, labels = content.maps, content.truth or {}, np.asarray(content.labels)[..., :1]
    truth = {name: true[..., :1] for name, true in truth.items()}
    flat = Maps(
        values={name: maps[name][..., :1] for name in maps},
        sd={name: sd[..., :1] for name, sd in maps.sd.items()},
        m0=maps.m0[..., :1],
        status=maps.status[..., :1],
        sigma=maps.sigma[..., :1],
        affine=maps.affine,
        provenance=maps.provenance,
    )
    rows = tuple(compare(flat, truth, labels, content.names))
    return replace(content, maps=flat, truth=truth, labels=labels, rows=rows)


@pytest.fixture(scope="session")
def maps_only(thin: ReportContent) -> ReportContent:
    """A report as of a patient: no truth, no labels."""
    return replace(
        thin, truth=None, rows=(), labels=None, names={}, fingerprints=(), simulated=False,
        singular_values=None, rank=None,
    )  # fmt: skip
