"""Sequences from the literature, and one of our own, as data with their citations.

Times and angles stand here in the units they were published in (ms, degrees). What a source does
not publish is our choice, and the citation of the preset says so. All presets leave the diffusion
by spoilers out (`spoiler` 0), as the published dictionaries do.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from .blocks import (
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    SpinLock,
    T2Preparation,
)
from .fields import DEGREE, MILLI
from .sequence import Sequence

Angles = NDArray[np.float64]


def fisp_jiang2015() -> Sequence:
    """MRF-FISP: inversion, then 1000 gradient-spoiled pulses with varied flip angle and TR.

    The flip angle runs through five half-sine lobes with pauses of zero flip between them:
    FA(n) = 5 + (P - 5) sin(pi n / 200) degrees with lobe maxima P = 35, 43, 70, 45, 27. The form
    was fitted to the public list of angles, which it meets to the 0.005 degrees of its rounding.
    """
    flip = np.concatenate(
        [
            _jiang_lobe(35, first=2),
            np.zeros(10),
            _jiang_lobe(43),
            np.zeros(10),
            _jiang_lobe(70),
            np.zeros(9),
            _jiang_lobe(45),
            np.zeros(11),
            _jiang_lobe(27),
        ]
    )[:1000]
    listed = resources.files(__package__).joinpath("data/jiang2015_tr_ms.csv").read_text("utf-8")
    return Sequence(
        name="fisp_jiang2015",
        field_strength=3.0,
        blocks=(Inversion(delay=20 * MILLI), _fisp(flip, tr=np.loadtxt(listed.split("\n")), te=2)),
        citation=(
            "Jiang et al., Magn Reson Med 2015;74:1621-1631, doi 10.1002/mrm.25559; flip angles and"
            " TR from the list in github.com/P-Song/HYDRA (generate_RF_TR.m). Our choice: inversion"
            " delay 20 ms, TE 2 ms."
        ),
    )


def fisp_cao500() -> Sequence:
    """Inversion-prepared FISP, 500 pulses of two half-sine lobes and a plateau, TR 12 ms."""
    lobe = np.sin(np.pi * np.arange(1, 201) / 200)
    flip = np.concatenate([10 + 20 * lobe, 90 * lobe, np.full(100, 10.0)])
    return Sequence(
        name="fisp_cao500",
        field_strength=3.0,
        blocks=(Inversion(delay=20 * MILLI), _fisp(flip, tr=12, te=2)),
        citation=(
            "Pattern 'cao' of OpenMRF (github.com/tomgriesler/OpenMRF): flip angles and TR. Our"
            " choice: inversion delay 20 ms, TE 2 ms."
        ),
    )


def spi_500() -> Sequence:
    """The train of spiral-projection MRF: inversion (TI 20 ms), 500 pulses, TR 12 ms, TE 0.7 ms.

    The flip angle rises to 25 degrees, rests and falls, rises to 75 degrees and falls, each slope
    linear over 84 pulses, then stays at 8.3333 degrees.
    """
    slope = np.arange(1, 85) / 84
    flip = np.concatenate(
        [
            25 * slope,
            np.full(40, 25.0),
            25 * (1 - slope),
            75 * slope,
            75 * (1 - slope),
            np.full(124, 8.3333),
        ]
    )
    return Sequence(
        name="spi_500",
        field_strength=3.0,
        blocks=(Inversion(delay=20 * MILLI), _fisp(flip, tr=12, te=0.7)),
        citation=(
            "Cao et al., Magn Reson Med 2022, doi 10.1002/mrm.29194; train as in Schauman et al.,"
            " MAGMA 2025, doi 10.1007/s10334-024-01222-w, and the model NeuroMRF of mrpro"
            " (github.com/PTB-MR/mrpro)."
        ),
    )


def knee_t1_t2_t1rho() -> Sequence:
    """T1, T2 and T1rho: 16 segments of one preparation and 48 FISP pulses, one segment a second.

    Preparations in order: inversion, none, T2, T2, inversion, none, spin-lock, spin-lock, and the
    same eight again. A segment without a preparation opens with a crusher, so that every segment
    starts without transverse magnetisation; a delay fills each segment to 1000 ms. The flip angle
    follows 4 + (m - 4) sin(linspace(0, 0.7 pi, 48)) degrees with maxima m from 7.67 to 15.
    """
    blocks: list[Block] = []
    for preparation, maximum in zip(_knee_preparations(), _spread(7.67, 15.0, 16), strict=True):
        flip = 4 + (maximum - 4) * np.sin(np.linspace(0, 0.7 * np.pi, 48))
        train = _fisp(flip, tr=8, te=2)
        rest = 1000 * MILLI - preparation.duration - train.duration
        blocks += [preparation, train, Delay(length=rest)]
    return Sequence(
        name="knee_t1_t2_t1rho",
        field_strength=3.0,
        blocks=tuple(blocks),
        citation=(
            "Segments, preparations and flip-angle form of the T1-T2-T1rho cardiac MRF in OpenMRF"
            " (github.com/tomgriesler/OpenMRF, D_pulseq_cmrf_t1_t2_t1p.m), which stands in for"
            " knee sequences whose timing is not public. Our choice: TR 8 ms, TE 2 ms, the 16"
            " flip-angle maxima, crushers; no fat saturation."
        ),
    )


def _knee_preparations() -> tuple[Block, ...]:
    """The preparations of `knee_t1_t2_t1rho`, one a segment."""

    def inversion(delay_ms: float) -> Block:
        return Inversion(delay=delay_ms * MILLI)

    def t2(echo_time_ms: float) -> Block:
        return T2Preparation(echo_time=echo_time_ms * MILLI)

    def lock(duration_ms: float) -> Block:
        return SpinLock(lock_time=duration_ms * MILLI, frequency=300.0)

    none = Crusher()
    return (
        *(inversion(0.01), none, t2(40), t2(80)),
        *(inversion(35), none, lock(40), lock(80)),
        *(inversion(380), none, t2(40), t2(80)),
        *(inversion(130), none, lock(40), lock(80)),
    )


def diffusion_fisp() -> Sequence:
    """T1, T2 and ADC: an inversion train, then five trains after diffusion preparations.

    All preparations share one echo time, so that T2 divides out between different b; the two at
    b = 0 hold T2, those at b = 400 and twice 800 s/mm² hold ADC. A second of recovery before each
    preparation gives it magnetisation to weight. Lengths, angles and b-values were chosen by
    comparing the Cramér-Rao bounds of variants for brain, cartilage and muscle.
    """
    recovery = Delay(length=1000 * MILLI)
    blocks: list[Block] = [Inversion(delay=20 * MILLI), _fisp(_lobe(10, 60, 150), tr=10, te=2)]
    for b_value in (0.0, 400.0, 800.0, 0.0, 800.0):
        preparation = DiffusionPreparation(b_value=b_value, echo_time=50 * MILLI)
        blocks += [recovery, preparation, _fisp(_lobe(10, 60, 60), tr=10, te=2)]
    return Sequence(
        name="diffusion_fisp",
        field_strength=3.0,
        blocks=tuple(blocks),
        citation=(
            "Our own design, of no published sequence. The idea of diffusion preparations within a"
            " FISP fingerprint: Afzali et al. 2022 (PMC9420788); Wang et al., Med Phys 2025 (PMID"
            " 40387505)."
        ),
    )


def _fisp(flip_deg: Angles, *, tr: float | Angles, te: float) -> ReadoutTrain:
    """A spoiled train from degrees and ms; angles are rounded as a file would show them."""
    return ReadoutTrain(
        flip=np.round(flip_deg, 6) * DEGREE,
        tr=np.asarray(tr) * MILLI,
        te=te * MILLI,
        spoiler_cycles=1,
    )


def _lobe(low: float, high: float, pulses: int) -> Angles:
    """A half sine from `low` up to `high` and back [deg], shape `(time,)`."""
    return low + (high - low) * np.sin(np.linspace(0, np.pi, pulses))


def _jiang_lobe(maximum: float, first: int = 1) -> Angles:
    """One lobe of `fisp_jiang2015` from step `first` of 200 [deg], shape `(time,)`."""
    return 5 + (maximum - 5) * np.sin(np.pi * np.arange(first, 201) / 200)


def _spread(low: float, high: float, count: int) -> Angles:
    """Numbers that fill a range evenly in any prefix: multiples of the golden ratio, modulo 1."""
    return low + (high - low) * (np.arange(1, count + 1) * (np.sqrt(5) - 1) / 2 % 1)


PRESETS: dict[str, Callable[[], Sequence]] = {
    preset.__name__: preset
    for preset in (
        fisp_jiang2015,
        fisp_cao500,
        spi_500,
        knee_t1_t2_t1rho,
        diffusion_fisp,
    )
}
"""The presets by name, as `load_sequence` takes them."""
