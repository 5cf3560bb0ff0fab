"""Whether a series is what it is taken for: signals with their phase, turning as the model's do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..dictionary import Dictionary
from ..errors import SeriesError
from ..physics.own_unit import own_unit
from ..physics.simulate import simulate_flat
from ..sequence import Sequence
from ..tissue import Tissue
from .nearest import nearest_atoms
from .noise import signal_energy

_CANDIDATES, _VOXELS = 2048, 128
"""Voxels looked at, and the brightest of them that are judged."""

_FAINT = 0.05  # of the brightest signal: less is no signal to judge
TISSUES = 2048
"""Signals that magnitudes are compared with."""

_ONE_PHASE = 1e-3
"""What |Σ y| may lack of Σ |y| for all samples of y to count as of one phase."""

_CHANGES = 1e-2
"""What it lacks at least in signals that change their sign or phase."""

_CONTRADICT = 0.1  # of the voxels: more that no signals of one phase explain show magnitudes

_CLEARLY = 1.2, 50.0
"""A fit is clearly better that leaves less by this factor, and whose log-likelihood is higher by
half of this."""


def require_phase(
    series: NDArray[Any],
    sequence: Sequence,
    tissue: Tissue,
    mask: ArrayLike | None = None,
    *,
    name: str = "the series",
) -> None:
    """Refuse magnitudes where complex signals are expected, whatever they are stored as.

    Along time the samples of every voxel have one phase, or neither real nor imaginary part is
    ever negative; and the signals of the sequence that explain them change sign or phase. A
    sequence whose signals keep one phase makes such series too, and they are accepted.

    Parameters
    ----------
    series
        Signals, `(..., time)`.
    sequence
        What was played.
    tissue
        What may be there, flat.
    mask
        True where the series is to be mapped, `(...)`; None everywhere.
    name
        What messages call the series.

    Raises
    ------
    SeriesError
        The series holds magnitudes.
    """
    if series.ndim == 0 or series.shape[-1] != sequence.n_samples:
        return  # refused elsewhere
    signals, _ = own_unit(series.reshape(-1, series.shape[-1])[_bright(series, mask)])
    if not len(signals) or np.mean(_one_sided(signals)) < 0.98:
        return
    picked = np.random.default_rng(0).permutation(tissue.size)[:TISSUES]
    atoms = simulate_flat(sequence, tissue.take(picked))[:, 0]
    changes = _lacking(atoms) > _CHANGES
    if np.mean(changes[_nearest(np.abs(signals), np.abs(atoms))]) > _CONTRADICT:
        raise SeriesError(
            f"{name}: along time all values of a voxel have one phase or no negative part, but"
            f" signals of {sequence.name!r} change sign: these are magnitudes; give complex images"
            " or the phase as well (--phase), or map them as magnitudes (--magnitude; in Python a"
            " dictionary built with magnitude=True)"
        )


def require_observed(
    dictionary: Dictionary,
    series: NDArray[Any],
    mask: ArrayLike | None = None,
) -> None:
    """Refuse magnitudes to a dictionary of signals, see `require_phase`; one of moduli takes all.

    Raises
    ------
    SeriesError
        The series holds magnitudes and the atoms are none.
    """
    if not dictionary.magnitude:
        require_phase(series, dictionary.sequence, dictionary.tissue, mask)


def conjugate_fits_better(
    series: NDArray[Any],
    dictionary: Dictionary,
    mask: ArrayLike | None = None,
    known: Mapping[str, NDArray[Any]] | None = None,
) -> bool:
    """Whether most voxels fit clearly better with the sense of their phase reversed.

    Then scanner or reconstruction count phases against the model, in which B0 > 0 turns the
    signal by exp(+2πi B0 t). Signals of one phase fit as well either way.

    Parameters
    ----------
    series
        Complex signals, `(..., time)`.
    dictionary
        Their atoms.
    mask
        True where the series is to be mapped, `(...)`; None everywhere.
    known
        Fields of each voxel by name [relative, Hz], `(...)` each.
    """
    if not np.iscomplexobj(dictionary.coefficients) or not np.iscomplexobj(series):
        return False
    fields = {name: np.ravel(values).astype(float) for name, values in (known or {}).items()}
    inside = np.broadcast_to(True if mask is None else np.asarray(mask, bool), series.shape[:-1])
    for values in fields.values():
        inside = inside & np.isfinite(values).reshape(inside.shape)
    voxels = _bright(series, inside)
    if not len(voxels):
        return False
    signals = _unit(series.reshape(-1, series.shape[-1])[voxels])
    here = {name: values[voxels] for name, values in fields.items()}

    def left(data: NDArray[np.complex64]) -> NDArray[np.float64]:
        _, product = nearest_atoms(dictionary, dictionary.compress(data), here)
        return np.maximum(1 - product.astype(float) ** 2, 1e-9)

    better = _clearly_less(left(signals.conj()), left(signals), 2 * series.shape[-1])
    return bool(np.mean(better) > 0.75)


def _bright(series: NDArray[Any], mask: ArrayLike | None) -> NDArray[np.int64]:
    """Finite voxels with signal, the brightest of some spread over the mask."""
    flat = series.reshape(-1, series.shape[-1])
    shape = series.shape[:-1]
    inside = np.arange(len(flat))
    chosen = np.ones(shape, bool) if mask is None else np.asarray(mask, bool)
    if chosen.shape == shape:  # another is refused elsewhere
        inside = np.flatnonzero(chosen)
    step = -(-len(inside) // _CANDIDATES) or 1
    voxels = inside[::step]
    voxels = voxels[np.isfinite(flat[voxels]).all(axis=1)]
    voxels = voxels[flat[voxels].any(axis=1)]
    if not len(voxels):
        return voxels
    signals, exponent = own_unit(flat[voxels])
    strength = np.log(signal_energy(signals)) / 2 + exponent * np.log(2)
    # A few voxels of any size do not decide what is bright.
    bright = strength > np.log(_FAINT) + np.percentile(strength, 98, method="lower")
    voxels, strength = voxels[bright], strength[bright]
    return voxels[np.argsort(-strength, kind="stable")[:_VOXELS]]


def _unit(signals: NDArray[Any]) -> NDArray[np.complex64]:
    """Signals `(voxel, time)` of unit norm."""
    scaled, _ = own_unit(signals)
    return (scaled / np.linalg.norm(scaled, axis=1, keepdims=True)).astype(np.complex64)


def _lacking(signals: NDArray[Any]) -> NDArray[np.float64]:
    """1 - |Σ y| / Σ |y| of signals `(voxel, time)`: 0 where all samples have one phase."""
    total = np.abs(signals).sum(axis=1, dtype=float)
    along = np.abs(signals.sum(axis=1, dtype=complex))
    return 1 - np.divide(along, total, out=np.ones_like(total), where=total > 0)


def _one_sided(signals: NDArray[Any]) -> NDArray[np.bool_]:
    """Signals `(voxel, time)` that noise in two channels would not leave so."""
    positive = (np.real(signals) >= 0).all(axis=1) & (np.imag(signals) >= 0).all(axis=1)
    return positive | (_lacking(signals) < _ONE_PHASE)


def _nearest(signals: NDArray[Any], atoms: NDArray[Any]) -> NDArray[np.int64]:
    """The atom next to each signal, `(voxel,)`."""
    norms = np.linalg.norm(atoms, axis=1, keepdims=True)
    unit = atoms / np.where(norms > 0, norms, np.inf)
    return np.asarray(np.abs(_unit(signals) @ unit.T).argmax(axis=1))


def _clearly_less(
    left: NDArray[np.float64], other: NDArray[np.float64], n: int
) -> NDArray[np.bool_]:
    """Whether what a fit of n real samples leaves is clearly less than the other, `(voxel,)`."""
    factor, likelihood = _CLEARLY
    return (other > factor * left) & (n * np.log(other / left) > likelihood)
