"""What every estimator does, and how voxels become maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SeriesError
from ..maps import HAS_VALUE, Maps, Status
from ..parallel import Progress
from ..physics.own_unit import own_unit
from ..sequence import Sequence
from .hidden_noise import INSIDE, SAMPLE, HiddenNoise, Leftover, find_hidden

Fields = Mapping[str, NDArray[np.float64]]
"""What is known of each voxel besides the series: b1 [relative], b0 [Hz], each `(voxel,)`."""


class Estimator(Protocol):
    """Built for a sequence and a range of tissue; turns series into maps."""

    def predict(
        self,
        series: NDArray[Any],
        mask: ArrayLike | None = None,
        b1: ArrayLike | None = None,
        b0: ArrayLike | None = None,
        sigma: ArrayLike | None = None,
        *,
        progress: Progress | None = None,
    ) -> Maps:
        """Estimate every voxel of a series `(..., time)`."""
        ...


@dataclass(frozen=True, eq=False)
class VoxelEstimates:
    """What an estimator found; every array has the axis `voxel` alone."""

    values: Mapping[str, NDArray[Any]]
    """Estimates by parameter [SI units]."""
    sd: Mapping[str, NDArray[Any]]
    """Their standard deviations."""
    m0: NDArray[Any]
    """Complex scale of the signal."""
    status: NDArray[Any]
    """A `Status` each."""
    sigma: NDArray[Any]
    """Noise per real and imaginary channel."""
    extra: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """What else there is to say."""

    def times(self, exponent: NDArray[np.int32]) -> VoxelEstimates:
        """The same of signals that many powers of two larger, `(voxel,)`."""
        with np.errstate(over="ignore", invalid="ignore"):
            m0 = np.ldexp(self.m0.real, exponent) + 1j * np.ldexp(self.m0.imag, exponent)
            return replace(self, m0=m0, sigma=np.ldexp(self.sigma, exponent))


Estimate = Callable[[NDArray[Any], Fields, NDArray[np.float64] | None], VoxelEstimates]
"""(series (voxel, time), fields, sigma (voxel,) or None) -> estimates. The series is complex64, or
float32 where magnitudes are mapped."""

LeaveOver = Callable[[NDArray[np.complex64], Fields], Leftover]
"""(series (voxel, time), fields) -> what the best fits leave over."""

_NOISE = (2.0**-60, 2.0**40)
"""Least and most noise in the unit of a voxel that makes a difference."""


def map_voxels(
    estimate: Estimate,
    sequence: Sequence,
    series: NDArray[Any],
    *,
    mask: ArrayLike | None,
    fields: Mapping[str, ArrayLike | None],
    sigma: ArrayLike | None,
    chunk: int,
    leave_over: LeaveOver,
    magnitude: bool = False,
    progress: Progress | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Maps:
    """Run an estimator over the voxels of a series, a chunk at a time.

    Voxels outside the mask and voxels that hold NaN or Inf, in the series or in a field, never
    reach the estimator. It gets each voxel in a unit of its own (`own_unit`), so that the unit of
    the series goes to M0 and sigma alone, and with `magnitude` its moduli. Where sigma is not given
    and the noise is hidden (see `hidden_noise`), it gets the noise inside the basis.

    Raises
    ------
    SeriesError
        The series, mask, a field or sigma does not fit the others or the sequence.
    """
    shape = _check_series(series, sequence)
    flat = np.reshape(series, (-1, series.shape[-1]))
    inside = _spread("mask", np.ones((), bool) if mask is None else mask, shape).astype(bool)
    known = {
        name: _spread(name, values, shape).astype(np.float64)
        for name, values in fields.items()
        if values is not None
    }
    noise = None if sigma is None else _spread("sigma", sigma, shape).astype(np.float64)
    if noise is not None and not (noise[inside] > 0).all():
        raise SeriesError("sigma must be positive: it is the noise per real and imaginary channel")
    finite = np.isfinite(flat).all(axis=1)
    for values in known.values():
        finite &= np.isfinite(values)
    status = np.where(inside, Status.NOT_FINITE, Status.OUTSIDE).astype(np.uint8)
    wanted = np.flatnonzero(inside & finite)

    hidden = None
    if noise is None and not magnitude:
        hidden = _find_hidden(flat, wanted, known, leave_over)
    found: list[VoxelEstimates] = []
    for start in range(0, max(len(wanted), 1), chunk):
        part = wanted[start : start + chunk]
        voxels, exponent = own_unit(flat[part])
        here = {name: values[part] for name, values in known.items()}
        given = None
        if noise is not None:
            with np.errstate(over="ignore"):
                given = np.clip(np.ldexp(noise[part], -exponent), *_NOISE)
        elif hidden is not None:
            given = hidden.sigma(leave_over(voxels, here), exponent)
        observed: NDArray[Any] = np.abs(voxels) if magnitude else voxels
        estimates = estimate(observed, here, given).times(exponent)
        found.append(estimates if noise is None else replace(estimates, sigma=noise[part]))
        if progress:
            progress(min(start + chunk, len(wanted)), len(wanted))
    if len(wanted):
        status[wanted] = np.concatenate([one.status for one in found])
    keep = np.isin(status[wanted], HAS_VALUE)

    def scatter(parts: list[NDArray[Any]], dtype: Any, everywhere: bool = False) -> NDArray[Any]:
        whole = np.full(len(flat), np.nan, dtype)
        joined = _single(np.concatenate(parts), dtype)
        whole[wanted] = joined if everywhere else np.where(keep, joined, np.nan)
        return whole.reshape(shape)

    first = found[0]
    return Maps(
        values={n: scatter([one.values[n] for one in found], np.float32) for n in first.values},
        sd={n: scatter([one.sd[n] for one in found], np.float32) for n in first.sd},
        m0=scatter([one.m0 for one in found], np.complex64),
        status=status.reshape(shape),
        sigma=scatter([one.sigma for one in found], np.float32, everywhere=True),
        extra={n: scatter([one.extra[n] for one in found], np.float32) for n in first.extra},
        provenance={
            **(provenance or {}),
            **({} if hidden is None else {"sigma": INSIDE}),
            **({"magnitude": True} if magnitude else {}),
        },
    )


def _find_hidden(
    flat: NDArray[Any],
    wanted: NDArray[np.int64],
    known: Fields,
    leave_over: LeaveOver,
) -> HiddenNoise | None:
    """Whether voxels spread over those that are wanted hide their noise, and how much it is."""
    present: NDArray[np.bool_] = np.any(flat, axis=1)
    some = wanted[present[wanted]]
    if not len(some):
        return None
    some = some[np.linspace(0, len(some) - 1, min(len(some), SAMPLE)).astype(int)]
    voxels, exponent = own_unit(flat[some])
    left = leave_over(voxels, {name: values[some] for name, values in known.items()})
    return find_hidden(voxels, exponent, left)


def _single(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """In single precision; NaN where its range does not hold a value."""
    with np.errstate(over="ignore", invalid="ignore"):
        single = values.astype(dtype)
        size = np.abs(single)
    lost = (np.isinf(size) & np.isfinite(values)) | ((size == 0) & (values != 0))
    return np.where(lost, np.array(np.nan, dtype), single)


def _check_series(series: NDArray[Any], sequence: Sequence) -> tuple[int, ...]:
    if series.ndim == 0 or series.shape[-1] != sequence.n_samples:
        raise SeriesError(
            f"the series has shape {series.shape}: its last axis must be the"
            f" {sequence.n_samples} samples of the sequence {sequence.name!r}"
        )
    return series.shape[:-1]


def _spread(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        return np.broadcast_to(np.asarray(values), shape).ravel()
    except ValueError:
        raise SeriesError(
            f"{name} has shape {np.shape(values)}, the series {shape} without its last axis:"
            " both must be the same"
        ) from None
