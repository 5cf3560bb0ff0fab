"""The Cramér-Rao bound: how precisely no unbiased estimate can know tissue better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, TissueError
from ..parameters import PARAMETERS
from ..physics.fisher import standard_deviation
from ..physics.noise import rician_information, snr_to_sigma
from ..physics.simulate import simulate_flat
from ..sequence import Sequence
from ..tissue import Tissue

Array = NDArray[np.float64]

_CHUNK = 256  # tissues at a time: bounds the memory of their derivatives


@dataclass(frozen=True, eq=False, kw_only=True)
class Bound:
    """Least standard deviations of unbiased estimates, arrays of shape `(...)`.

    Infinite where the signal does not tell a parameter, or not from the other unknowns.
    """

    sd: Mapping[str, Array]
    """Of every unknown, by name [unit of the parameter]."""
    m0: Array
    """Of the modulus of M0 [unit of M0]."""
    phase: Array
    """Of the phase of M0 [rad]."""
    loss: Mapping[str, Array]
    """The deviation over that from all samples, by unknown [-]: 1 without a basis."""


def cramer_rao(
    sequence: Sequence,
    tissue: Tissue,
    sigma: ArrayLike,
    unknowns: Iterable[str] | None = None,
    *,
    basis: NDArray[Any] | None = None,
    n_states: int | None = None,
    magnitude: bool = False,
) -> Bound:
    """The Cramér-Rao bound under white Gaussian noise, the complex M0 always unknown.

    For a signal of mean M0 s(theta), the Fisher information of real parameters is
    Re(d_i^H d_j) / sigma² with d the derivatives of the mean (Kay, Fundamentals of Statistical
    Signal Processing: Estimation Theory, 1993, section 15.7); M0 counts as two of them, modulus
    and phase. Derivatives come from the fast kernel, the algebra is in double precision.

    Parameters
    ----------
    sequence
        What is played.
    tissue
        What is imaged, shape `(...)`, with M0 (1 if it is not given).
    sigma
        Noise per real and imaginary channel in the unit of M0, a number or `(...)`.
    unknowns
        What is estimated besides M0, of t1, t2, t1rho, adc, b1, b0; all else of the tissue is
        known. None takes `sequence.unknowns`.
    basis
        Orthonormal columns `(time, rank)` that the signal is compressed to before it is used.
    n_states
        Configuration orders kept; None as in `simulate`.
    magnitude
        True where the modulus of the series is all there is: its noise is Rician, a sample says
        `physics.noise.rician_information` of what its channel would, and the phase of M0 cannot
        be told.

    Raises
    ------
    TissueError
        A parameter the sequence needs was not given, or an unknown is none or named twice.
    InputError
        sigma is not positive or of another shape, or the basis is not orthonormal or of another
        length, or given with `magnitude`, whose noise is not white.
    """
    names = _check_unknowns(sequence, unknowns)
    shape = tissue.shape
    noise = _check_sigma(sigma, shape)
    if basis is not None:
        _check_basis(basis, sequence)
        if magnitude:
            raise InputError("the noise of magnitudes is not white: their bound knows no basis")
    flat = tissue.flat()
    whole = np.empty((flat.size, len(names) + 2))
    kept = whole if basis is None else np.empty_like(whole)
    for start in range(0, flat.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        if magnitude:
            columns = _magnitude_columns(sequence, flat.take(part), names, n_states, noise[part])
        else:
            columns = _columns(sequence, flat.take(part), names, n_states)
        whole[part] = _deviations(columns, noise[part])
        if basis is not None:
            kept[part] = _deviations(columns @ basis.conj(), noise[part])
    loss = np.divide(kept, whole, out=np.full_like(kept, np.nan), where=np.isfinite(whole))

    def named(values: Array) -> dict[str, Array]:
        return {name: values[:, i].reshape(shape) for i, name in enumerate(names)}

    m0 = np.abs(np.asarray(flat.get("m0")))
    phase = np.divide(kept[:, -1], m0, out=np.full(flat.size, np.inf), where=m0 > 0)
    return Bound(
        sd=named(kept),
        m0=kept[:, -2].reshape(shape),
        phase=phase.reshape(shape),
        loss=named(loss),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """How precisely one parameter of one tissue can be had at one signal-to-noise ratio."""

    tissue: str
    """Name of the tissue."""
    snr_db: float
    """Signal-to-noise ratio, in the convention that was asked for [dB]."""
    sigma: float
    """The noise per real and imaginary channel that this is, for M0 = 1 [-]."""
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
    """Which parameter can be had how precisely at which signal-to-noise ratio.

    Parameters
    ----------
    sequence
        What is played.
    tissues
        One tissue by name, each a single one; M0 does not matter, as the ratio is that of its
        own signal (but for the convention "m0", which takes the tissue's).
    snrs_db
        Signal-to-noise ratios [dB].
    unknowns
        As for `cramer_rao`.
    convention
        What the ratio compares the noise with, one of `physics.noise.SNR_CONVENTIONS`.

    Returns
    -------
    One entry each, by tissue, ratio and unknown, in the order given.

    Raises
    ------
    TissueError
        A tissue is more than one, or as for `cramer_rao`.
    InputError
        The convention is unknown.
    """
    names = _check_unknowns(sequence, unknowns)
    ratios = [float(one) for one in snrs_db]
    table = []
    for label, tissue in tissues.items():
        if tissue.size != 1:
            raise TissueError(f"tissue {label!r} holds {tissue.size} tissues: it must be one")
        one = tissue.flat().replace(m0=None)
        signal = simulate_flat(sequence, one)[:, 0]
        bound = cramer_rao(sequence, one, 1.0, names)
        for snr_db in ratios:
            sigma = float(snr_to_sigma(signal, snr_db, convention)[0])
            table += [
                Precision(
                    tissue=label,
                    snr_db=snr_db,
                    sigma=sigma,
                    parameter=name,
                    value=float(one.get(name).item()),
                    sd=sigma * float(bound.sd[name][0]),
                )
                for name in names
            ]
    return table


def _columns(
    sequence: Sequence, tissue: Tissue, names: tuple[str, ...], n_states: int | None
) -> NDArray[np.complex128]:
    """Derivatives of the mean for the unknowns, |M0| and |M0| times its phase.

    `(tissue, parameter + 2, time)`, of flat tissues, up to the phase of M0 that all share.
    """
    signals = simulate_flat(sequence, tissue, n_states=n_states, wrt=names).astype(np.complex128)
    m0 = np.broadcast_to(np.abs(tissue.get("m0")), (tissue.size,))[:, None, None]
    signal = signals[:, :1]
    return np.concatenate([m0 * signals[:, 1:], signal, 1j * signal], axis=1)


def _magnitude_columns(
    sequence: Sequence,
    tissue: Tissue,
    names: tuple[str, ...],
    n_states: int | None,
    sigma: Array,
) -> NDArray[np.complex128]:
    """As `_columns` of magnitudes, each sample times the root of what its noise leaves of it."""
    moduli = simulate_flat(sequence, tissue, n_states=n_states, wrt=names, magnitude=True)
    moduli = moduli.astype(np.float64)
    m0 = np.broadcast_to(np.abs(tissue.get("m0")), (tissue.size,))[:, None, None]
    signal = moduli[:, :1]
    columns = np.concatenate([m0 * moduli[:, 1:], signal, np.zeros_like(signal)], axis=1)
    share = rician_information(m0 * signal / sigma[:, None, None])
    return (columns * np.sqrt(share)).astype(np.complex128)


def _deviations(columns: NDArray[np.complex128], sigma: Array) -> Array:
    """Cramér-Rao deviations of all parameters, `(tissue, parameter)`."""
    parts = np.concatenate([columns.real, columns.imag], axis=2)
    # Scaled first: the squares of slopes in small units might underflow.
    size = np.linalg.norm(parts, axis=2)
    unit = parts / np.where(size > 0, size, 1)[:, :, None]
    return standard_deviation(unit @ unit.swapaxes(1, 2), sigma) / np.where(size > 0, size, 1)


def _check_unknowns(sequence: Sequence, unknowns: Iterable[str] | None) -> tuple[str, ...]:
    names = sequence.unknowns if unknowns is None else tuple(unknowns)
    for name in names:
        if name not in PARAMETERS:
            raise TissueError(f"unknown {name!r} must be one of {', '.join(PARAMETERS)}")
    if len(set(names)) < len(names):
        raise TissueError(f"the unknowns {', '.join(names)} must differ: one is named twice")
    return names


def _check_sigma(sigma: ArrayLike, shape: tuple[int, ...]) -> Array:
    noise = np.asarray(sigma, dtype=np.float64)
    if not (noise > 0).all():
        raise InputError("sigma must be positive: it is the noise per real and imaginary channel")
    try:
        return np.broadcast_to(noise, shape).ravel()
    except ValueError:
        raise InputError(
            f"sigma has shape {noise.shape}, the tissue {shape}: both must be the same"
        ) from None


def _check_basis(basis: NDArray[Any], sequence: Sequence) -> None:
    if basis.ndim != 2 or len(basis) != sequence.n_samples:
        raise InputError(
            f"the basis has shape {basis.shape}: it must be (time, rank) with the"
            f" {sequence.n_samples} samples of the sequence {sequence.name!r}"
        )
    if not np.allclose(basis.conj().T @ basis, np.eye(basis.shape[1]), atol=1e-4):
        raise InputError("the columns of the basis must be orthonormal: noise stays white in them")
