"""The Cramér-Rao bound: the least standard deviation of unbiased estimates, also of maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, TissueError
from ..maps import Maps
from ..parameters import FIELDS, PARAMETERS
from ..physics.fisher import standard_deviation
from ..physics.noise import rician_information
from ..physics.simulate import simulate_flat
from ..sequence import Sequence
from ..tissue import Tissue
from .comparison import Reference, Role

Array = NDArray[np.float64]

_CHUNK = 256  # tissues at a time: bounds the memory of their derivatives

_BEYOND = 100.0
"""How far beyond the range of all tissue, as a factor, the signal model is still asked."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Bound:
    """Least standard deviations of unbiased estimates, arrays of shape `(...)`.

    Infinite where the signal does not depend on a parameter, or cannot separate it from the other
    unknowns; NaN where tissue is so far beyond any that single precision fails its
    derivatives.
    """

    sd: Mapping[str, Array]
    """Of every unknown, by name [unit of the parameter]."""
    m0: Array
    """Of the modulus of M0 [unit of M0]."""
    phase: Array
    """Of the phase of M0 [rad]."""
    loss: Mapping[str, Array]
    """The deviation over that of all samples, by unknown [-]: 1 without a basis."""


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
        A parameter the sequence needs is missing, or an unknown is unsupported or named twice.
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
        # Tissue far beyond any makes NaN of derivatives, and its bound becomes NaN.
        with np.errstate(invalid="ignore", over="ignore"):
            if magnitude:
                columns = _magnitude_columns(
                    sequence, flat.take(part), names, n_states, noise[part]
                )
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


def map_bound(
    maps: Maps,
    sequence: Sequence,
    truth: Mapping[str, ArrayLike] | None = None,
    where: ArrayLike = True,
    fields: Mapping[str, ArrayLike] | None = None,
) -> dict[str, Array]:
    """Least standard deviation of an unbiased estimate in each voxel, by mapped parameter.

    For the noise that the maps state and the M0 they estimate, and for magnitudes where the maps
    were made of them; what they map is unknown, and B1 and B0 are nominal unless they are given or
    mapped.

    Parameters
    ----------
    maps
        Shape `(...)`.
    sequence
        What the series was measured with.
    truth
        True maps by parameter, `(...)` [SI units]; where there is none, the estimate stands in.
    where
        The voxels whose bound is wanted, `(...)`.
    fields
        B1 and B0 as the estimator knew them, `(...)` [relative, Hz].

    Returns
    -------
    Deviations [unit of the parameter], `(...)`; NaN where tissue, M0 or noise is not known, or
    is far beyond all tissue.

    Raises
    ------
    TissueError
        The sequence depends on a parameter that neither the maps nor the truth hold.
    """
    tissue, known = known_tissue(maps, sequence, truth, where, fields)
    unknowns = [name for name in maps if name in PARAMETERS]
    bound = {name: np.full(maps.shape, np.nan) for name in unknowns}
    if known.any():
        sigma = np.asarray(maps.sigma, dtype=np.float64)[known]
        magnitude = bool(maps.provenance.get("magnitude"))
        limits = cramer_rao(sequence, tissue, sigma, unknowns, magnitude=magnitude)
        for name, sd in limits.sd.items():
            bound[name][known] = sd
    return bound


def error_bound(
    maps: Maps,
    reference: Reference,
    sequence: Sequence | None,
    where: ArrayLike = True,
    fields: Mapping[str, ArrayLike] | None = None,
) -> tuple[dict[str, Array], str]:
    """The Cramér-Rao deviation of the error of maps, and which conditions it holds for.

    Parameters
    ----------
    maps
        Shape `(...)`.
    reference
        What they are compared with. Against a repeat the bound is that of the difference of two
        estimates; against another estimate from the same noise there is none.
    sequence
        What the series was measured with, None if unknown.
    where
        The voxels whose bound is wanted, `(...)`.
    fields
        B1 and B0 as the estimator knew them, `(...)` [relative, Hz].

    Returns
    -------
    bound
        Deviations by mapped parameter [unit of the parameter], `(...)`; NaN where tissue, M0 or
        noise is not known. Empty where there is no bound.
    note
        What the bound holds for, or why there is none, in a sentence.
    """
    if reference.role is Role.ESTIMATE:
        return {}, (
            "Both maps were made from the same noise, so that no bound applies to their difference."
        )
    if sequence is None:
        return {}, (
            "The Cramér-Rao bound is not known: the sequence of the maps was not found; --sequence"
            " gives it."
        )
    if not np.isfinite(maps.sigma).any():
        return {}, "The Cramér-Rao bound is not known: the maps do not state their noise."
    try:
        if reference.role is Role.TRUTH:
            bound = map_bound(maps, sequence, reference.values, where, fields)
        else:
            assert reference.maps is not None
            first, second = (
                map_bound(side, sequence, None, where, fields) for side in (maps, reference.maps)
            )
            bound = {name: np.hypot(first[name], second[name]) for name in first if name in second}
    except InputError as error:
        return {}, f"The Cramér-Rao bound is not known: {error}."
    what = "of the difference of two estimates " if reference.role is Role.REPEAT else ""
    return bound, (
        f"The Cramér-Rao bound {what}holds for {sequence.name}, the noise that the maps state, and"
        f" {_field_conditions(maps, fields or {})}."
    )


def known_tissue(
    maps: Maps,
    sequence: Sequence,
    truth: Mapping[str, ArrayLike] | None,
    where: ArrayLike,
    fields: Mapping[str, ArrayLike] | None,
) -> tuple[Tissue, NDArray[np.bool_]]:
    """Voxels whose tissue, modulus of M0 and noise are known: their tissue, flat, and a mask.

    Where there is no truth, the estimate stands in.
    """
    given = {**(fields or {}), **maps.values, **(truth or {})}
    missing = [name for name in ("t1", "t2", *sequence.unknowns) if name not in given]
    if missing:
        raise TissueError(
            f"{sequence.name!r} depends on {missing[0]}, of which there is neither a map nor a"
            " truth"
        )
    tissue = {name: np.asarray(given[name], np.float64) for name in PARAMETERS if name in given}
    for name in tissue.keys() & maps.values.keys():
        tissue[name] = np.where(np.isfinite(tissue[name]), tissue[name], maps[name])
    tissue["m0"] = np.abs(maps.m0).astype(np.float64)
    sigma = np.asarray(maps.sigma, dtype=np.float64)
    known = np.asarray(where, dtype=bool) & np.isfinite(sigma) & (sigma > 0) & (tissue["m0"] > 0)
    for name, values in tissue.items():
        known &= np.isfinite(values) if name == "m0" else is_possible(name, values)
    return Tissue(**{name: values[known] for name, values in tissue.items()}), known


def is_possible(name: str, values: ArrayLike) -> NDArray[np.bool_]:
    """True where the signal model can be asked, `(...)`; far beyond, single precision fails it."""
    parameter, given = PARAMETERS[name], np.asarray(values, np.float64)
    low, high = parameter.range
    lowest = low / _BEYOND if parameter.log else parameter.least
    # NaN is neither.
    return np.asarray((given >= lowest) & (np.abs(given) <= high * _BEYOND))


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


def _field_conditions(maps: Maps, fields: Mapping[str, Any]) -> str:
    """The values of B1 and B0 that a bound holds for, in words."""
    given = [name for name in FIELDS if name in fields]
    mapped = [name for name in FIELDS if name in maps]
    nominal = [name for name in FIELDS if name not in (*given, *mapped)]
    return ", ".join(
        f"{' and '.join(PARAMETERS[name].symbol for name in names)} {how}"
        for names, how in ((given, "as given"), (mapped, "as mapped"), (nominal, "nominal"))
        if names
    )
