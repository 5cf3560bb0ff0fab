from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from spinprint.evaluation import Comparison, Reference, Role, compare_maps
from spinprint.maps import Maps, Status
from spinprint.report import (
    Fingerprint,
    Page,
    draw_comparison,
    evaluation_page,
    fingerprint_section,
    limits_section,
    maps_page,
    sequence_section,
)
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


@dataclass(frozen=True, eq=False, kw_only=True)
class Content:
    """What a page is made of: that of the demo, or without a truth that of a patient."""

    maps: Maps
    sequence: Sequence
    title: str = "Two tubes"
    description: str = "A phantom of gel and oil."
    truth: dict[str, np.ndarray] | None = None
    labels: np.ndarray | None = None
    names: dict[int, str] = field(default_factory=dict)
    fingerprints: tuple[Fingerprint, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def comparison(self) -> Comparison:
        reference = Reference(role=Role.TRUTH, name="drawn", values=self.truth or {})
        return compare_maps(self.maps, reference, self.labels, self.names, n_bootstrap=0)

    @property
    def page(self) -> Page:
        shared: dict[str, Any] = {
            "title": self.title,
            "subtitle": self.description,
            "provenance": {**self.maps.provenance, **self.provenance},
        }
        simulated = self.truth is not None
        closing = [limits_section(simulated=simulated)]
        if not simulated:
            sections = [sequence_section(self.sequence), *closing]
            return maps_page(
                self.maps, labels=self.labels, names=self.names, sections=sections, **shared
            )
        sections = [
            fingerprint_section(self.fingerprints),
            sequence_section(self.sequence, np.geomspace(1, 1e-5, 24), 6),
        ]
        comparison = self.comparison
        return evaluation_page(
            comparison, draw_comparison(comparison), bound="No bound is known.",
            sections=sections, closing=closing, **shared,
        )  # fmt: skip


@pytest.fixture(scope="session")
def content(sequence: Sequence, maps: Maps, truth: dict[str, np.ndarray]) -> Content:
    """A page with every part."""
    labels = np.ones(SHAPE, np.uint8)
    labels[3:] = 2
    samples = np.exp(-np.arange(24) / 9) - 0.4
    gel = Fingerprint(name="gel", measured=samples * 1j, fitted=samples, values={"t1": 0.8})
    return Content(
        sequence=sequence,
        maps=maps,
        truth=truth,
        labels=labels,
        names={1: "gel", 2: "oil"},
        fingerprints=(gel,),
        provenance={
            "sequence": sequence.name,
            "sequence digest": f"SHA-256 {sequence.digest}",
            "command": "spinprint demo",
            "seed": 3,
        },
    )


@pytest.fixture(scope="session")
def thin(content: Content) -> Content:
    """The first slice of the page alone."""
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
    return replace(content, maps=flat, truth=truth, labels=labels)


@pytest.fixture(scope="session")
def maps_only(thin: Content) -> Content:
    """A page as of a patient: no truth, no labels."""
    return replace(thin, truth=None, labels=None, names={}, fingerprints=())
