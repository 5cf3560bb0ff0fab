"""Maximum likelihood off the grid: Gauss-Newton with M0 eliminated, many voxels at once.

For white noise the best M0 of a signal s(θ) is s^H y / s^H s, which leaves the part of y that
is perpendicular to s (variable projection, Golub and Pereyra, SIAM J Numer Anal 1973;10:413,
with Kaufman's derivative). Steps are damped after Levenberg and Marquardt, per voxel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Model = Callable[[Array, NDArray[np.int64]], tuple[NDArray[np.complex128], NDArray[np.complex128]]]
"""(theta (voxel, parameter), which voxels) -> signal (voxel, time) and its derivatives for
theta (voxel, parameter, time), per unit of M0."""


@dataclass(frozen=True, eq=False)
class Fit:
    """What a fit found; arrays over `voxel`."""

    theta: Array
    """Parameters, `(voxel, parameter)`."""
    m0: NDArray[np.complex128]
    """Scale of the signal, `(voxel,)`."""
    energy: Array
    """Squared norm of the data, `(voxel,)`."""
    cost: Array
    """Squared norm of what the model leaves over, `(voxel,)`."""
    information: Array
    """Fisher information of the parameters times sigma², M0 unknown, `(voxel, p, p)`."""
    converged: NDArray[np.bool_]
    """The last step was too small to matter, `(voxel,)`."""


MAX_STEPS = 30
"""Simulations a voxel may take."""

SMALL_STEP = 1e-2
"""A step this much smaller than the standard deviation ends the fit; the next would be smaller
still, far below what the noise makes of the estimate."""

LEAST_DAMPING = 1e-12
"""Part of a parameter's information that a step is damped by at least."""

ROUNDING = 1e-6
"""Part of a signal below which changes drown in the rounding of float32."""


def fit(
    model: Model,
    data: NDArray[np.complex64],
    start: Array,
    bounds: tuple[Array, Array],
    confine: Callable[[Array], Array] = lambda theta: theta,
    max_steps: int = MAX_STEPS,
) -> Fit:
    """Fit the model to every voxel.

    Parameters
    ----------
    model
        The signal and its derivatives.
    data
        Signals, `(voxel, time)`; `time` may be the rank of an orthonormal basis.
    start
        First guess, `(voxel, parameter)`, within the bounds.
    bounds
        Lowest and highest value of each parameter, `(parameter,)` each.
    confine
        Moves parameters to where relations between them hold.
    max_steps
        Steps a voxel may take; with 0 the start is only linearised, and counts as converged.
    """
    y = data.astype(np.complex128)
    low, high = bounds
    theta = start.copy()
    s, ds = model(theta, np.arange(len(y)))
    state = _Linearisation.of(y, s, ds)
    damping = np.full(len(y), 1e-3)
    converged = np.full(len(y), max_steps == 0)
    for _ in range(max_steps):
        active = np.flatnonzero(~converged)
        if not len(active):
            break
        here = state.take(active)
        held = _held(theta[active], here.gradient, low, high)
        step = _step(here, held, damping[active])
        trial = confine(np.clip(theta[active] + step, low, high))
        moved = trial - theta[active]
        small = _is_small(moved, here, y.shape[1])
        s, ds = model(trial, active)
        there = _Linearisation.of(y[active], s, ds)
        better = there.cost <= here.cost
        taken = active[better]
        theta[taken] = trial[better]
        state.put(taken, there.take(np.flatnonzero(better)))
        # Never too little to tell directions apart that the data do not, as those of a low rank.
        lower = np.maximum(damping[active] * 0.1, LEAST_DAMPING)
        damping[active] = np.where(better, lower, damping[active] * 10)
        # A rejected step that no damping can make useful has also come to its end.
        converged[active] = small | (damping[active] > 1e8)
    return Fit(
        theta=theta,
        m0=state.m0,
        energy=state.energy,
        cost=state.cost,
        information=state.information,
        converged=converged,
    )


@dataclass
class _Linearisation:
    """The model around the present parameters."""

    m0: NDArray[np.complex128]
    energy: Array
    cost: Array
    gradient: Array
    information: Array

    @classmethod
    def of(
        cls, y: NDArray[np.complex128], s: NDArray[np.complex128], ds: NDArray[np.complex128]
    ) -> _Linearisation:
        energy = np.einsum("vt,vt->v", s.conj(), s).real
        energy = np.where(energy > 0, energy, 1)
        m0 = np.einsum("vt,vt->v", s.conj(), y) / energy
        residual = y - m0[:, None] * s
        along = np.einsum("vt,vpt->vp", s.conj(), ds) / energy[:, None]
        slope = m0[:, None, None] * (ds - along[:, :, None] * s[:, None])
        return cls(
            m0=m0,
            energy=np.einsum("vt,vt->v", y.conj(), y).real,
            cost=np.einsum("vt,vt->v", residual.conj(), residual).real,
            gradient=np.einsum("vpt,vt->vp", slope.conj(), residual).real,
            information=np.einsum("vpt,vqt->vpq", slope.conj(), slope).real,
        )

    def take(self, index: NDArray[np.int64]) -> _Linearisation:
        return _Linearisation(*(getattr(self, name)[index] for name in _FIELDS))

    def put(self, index: NDArray[np.int64], other: _Linearisation) -> None:
        for name in _FIELDS:
            getattr(self, name)[index] = getattr(other, name)


_FIELDS = tuple(field.name for field in fields(_Linearisation))


def _held(theta: Array, gradient: Array, low: Array, high: Array) -> NDArray[np.bool_]:
    """Parameters at a bound that the data push against it, `(voxel, parameter)`."""
    return ((theta <= low) & (gradient < 0)) | ((theta >= high) & (gradient > 0))


def _step(here: _Linearisation, held: NDArray[np.bool_], damping: Array) -> Array:
    """The damped Gauss-Newton step of the parameters that are free, `(voxel, parameter)`."""
    matrix = here.information * ~(held[:, :, None] | held[:, None, :])
    scale = np.einsum("vpp->vp", here.information)
    scale = np.where(scale > 0, scale, 1)
    diagonal = np.arange(matrix.shape[1])
    matrix[:, diagonal, diagonal] += np.where(held, scale, damping[:, None] * scale)
    # Scaled to a unit diagonal, so that parameters of different units condition alike.
    root = np.sqrt(scale)
    matrix /= root[:, :, None] * root[:, None, :]
    right = np.where(held, 0, here.gradient) / root
    return np.linalg.solve(matrix, right[:, :, None])[:, :, 0] / root


def _is_small(moved: Array, here: _Linearisation, n_values: int) -> NDArray[np.bool_]:
    """True where the step is far below what the noise, or float32, could resolve.

    `moved` changes the signal by the norm sqrt(moved' information moved); one standard
    deviation of a parameter changes it by sigma, which the cost tells.
    """
    change = np.einsum("vp,vpq,vq->v", moved, here.information, moved)
    noise = here.cost / (2 * n_values)
    return change <= np.maximum(SMALL_STEP**2 * noise, ROUNDING**2 * here.energy)
