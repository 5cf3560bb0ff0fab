"""How precisely a sequence can measure tissue: at which noise, and in how many vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, TissueError
from ..physics.noise import snr_to_sigma
from ..physics.simulate import simulate_flat
from ..sequence import Sequence
from ..simulation.phantoms.tissue_table import tissue_table
from ..tissue import Tissue
from .bounds import cramer_rao

ORGANS = ("knee", "brain")
"""Organs with a table of tissue values, all at 3 T."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Best precision of a parameter of a tissue at a signal-to-noise ratio."""

    tissue: str
    """Name of the tissue."""
    snr_db: float
    """Signal-to-noise ratio, in the convention given to `precision_table` [dB]."""
    sigma: float
    """The corresponding noise per real and imaginary channel, for M0 = 1 [-]."""
    parameter: str
    """Name of the parameter."""
    value: float
    """Its value in the tissue [unit of the parameter]."""
    sd: float
    """Its Cramér-Rao standard deviation [unit of the parameter]."""

    @property
    def percent(self) -> float:
        """The deviation relative to the value [%]; NaN where the value is 0."""
        return 100 * self.sd / self.value if self.value else np.nan


def precision_table(
    sequence: Sequence,
    tissues: Mapping[str, Tissue],
    snrs_db: Iterable[float],
    unknowns: Iterable[str] | None = None,
    *,
    convention: str = "rms",
) -> list[Precision]:
    """Best precision of the parameters of tissues at several signal-to-noise ratios.

    Parameters
    ----------
    sequence
        What is played.
    tissues
        Single tissues by name; M0 does not matter, as the ratio is that of the tissue's own signal.
    snrs_db
        Signal-to-noise ratios [dB].
    unknowns
        As for `cramer_rao`.
    convention
        What the ratio compares the noise with, one of `physics.noise.SNR_CONVENTIONS`.

    Returns
    -------
    By tissue, ratio and unknown, in the order given.

    Raises
    ------
    TissueError
        A tissue holds several, or as for `cramer_rao`.
    InputError
        The convention is unknown.
    """
    names = None if unknowns is None else tuple(unknowns)
    ratios = [float(snr_db) for snr_db in snrs_db]
    rows = []
    for label, tissue in tissues.items():
        if tissue.size != 1:
            raise TissueError(f"tissue {label!r} holds {tissue.size} tissues: it must be one")
        single = tissue.flat().replace(m0=None)
        signal = simulate_flat(sequence, single)[:, 0]
        bound = cramer_rao(sequence, single, 1.0, names)
        for snr_db in ratios:
            sigma = float(snr_to_sigma(signal, snr_db, convention)[0])
            rows += [
                Precision(
                    tissue=label,
                    snr_db=snr_db,
                    sigma=sigma,
                    parameter=name,
                    value=float(single.get(name).item()),
                    sd=sigma * float(sd[0]),
                )
                for name, sd in bound.sd.items()
            ]
    return rows


def compression_loss(
    sequence: Sequence,
    tissue: Tissue,
    vectors: NDArray[np.floating] | NDArray[np.complexfloating],
    ranks: Iterable[int],
    unknowns: Iterable[str] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Cramér-Rao deviation in the leading vectors over that from all samples, by unknown.

    Parameters
    ----------
    sequence
        What is played.
    tissue
        What is imaged, shape `(...)`.
    vectors
        Orthonormal columns, the most informative first, `(time, vector)`.
    ranks
        Numbers of vectors to keep.
    unknowns
        As for `cramer_rao`.

    Returns
    -------
    The loss of each unknown [-], `(rank, ...)`: 1 where nothing is lost, infinite where the vectors
    do not determine the unknown, NaN where all samples do not either.

    Raises
    ------
    InputError
        A rank exceeds the number of vectors, or as for `cramer_rao`.
    """
    wanted = list(ranks)
    names = None if unknowns is None else tuple(unknowns)
    for rank in wanted:
        if not 1 <= rank <= vectors.shape[1]:
            raise InputError(f"rank {rank} must be from 1 to {vectors.shape[1]}, the vectors given")
    losses = [
        cramer_rao(sequence, tissue, 1.0, names, basis=vectors[:, :rank]).loss for rank in wanted
    ]
    names_of_all = losses[0] if losses else ()
    return {name: np.stack([loss[name] for loss in losses]) for name in names_of_all}


def typical_tissues(sequence: Sequence, organ: str) -> dict[str, Tissue]:
    """The mean tissues of an organ by name, with the parameters that a sequence needs.

    Each has the shape `()`. Sources are given in the tables of the phantoms.

    Raises
    ------
    TissueError
        There is no table of the organ.
    """
    if organ not in ORGANS:
        raise TissueError(f"organ {organ!r} must be one of {', '.join(ORGANS)}")
    return {
        name: Tissue(**{parameter: getattr(values, parameter) for parameter in sequence.unknowns})
        for name, values in tissue_table(organ).items()
    }
