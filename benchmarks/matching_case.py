"""Draws the case of `matching.py`, as a worker: atoms on a grid, and noisy voxels between them."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np

import spinprint as sp
from common import serve

RANGES = {"t1": (0.1, 4.0), "t2": (0.01, 1.0), "t1rho": (0.01, 1.0), "adc": (2e-4, 3e-3)}
"""Ends of the geometric axes [s, mm²/s]."""


def draw(
    sequence: str, atoms: int, voxels: int, rank: int, kind: str, snr_db: float, seed: int
) -> dict[str, Any]:
    """Coefficients of atoms `(atom, rank)` and of voxels `(voxel, rank)`.

    A complex dictionary is the real one in a complex basis of the same space.
    """
    random = np.random.default_rng(seed)
    played = sp.load_sequence(sequence)
    on_grid = grid(played.unknowns, atoms).tissue()
    dictionary = sp.Dictionary.build(played, on_grid.take(spread(on_grid.size, atoms)), rank=rank)
    times = {name: log_uniform(random, RANGES[name], voxels) for name in played.unknowns}
    times["t2"] = np.minimum(times["t1"], times["t2"])
    m0 = random.uniform(0.2, 1.0, voxels) * np.exp(2j * np.pi * random.random(voxels))
    clean = dictionary.compress(sp.simulate(played, sp.Tissue(**times, m0=m0)))
    # White noise stays white in an orthonormal basis; rms over time is norm over root of length.
    rms = np.linalg.norm(clean, axis=1, keepdims=True) / np.sqrt(played.n_samples)
    noise = random.normal(size=(2, *clean.shape))
    noisy = clean + rms / np.sqrt(2) * 10 ** (-snr_db / 20) * (noise[0] + 1j * noise[1])
    turn = np.eye(rank) if kind == "real" else complex_basis(random, rank)
    coefficients = dictionary.coefficients @ turn
    real = kind == "real" and not np.iscomplexobj(dictionary.coefficients)
    return {
        "atoms": coefficients.astype(np.float32 if real else np.complex64),
        "voxels": (noisy @ turn).astype(np.complex64),
    }


def grid(unknowns: tuple[str, ...], atoms: int) -> sp.ParameterGrid:
    """The coarsest grid, equally fine along all axes, with at least so many atoms."""
    for points in count(round(atoms ** (1 / len(unknowns)))):
        axes = {name: sp.Axis(tuple(np.geomspace(*RANGES[name], points))) for name in unknowns}
        made = sp.ParameterGrid(axes)
        if made.size >= atoms:
            return made
    raise AssertionError


def spread(size: int, atoms: int) -> np.ndarray:
    """So many of the grid's atoms, evenly."""
    return np.linspace(0, size - 1, atoms).round().astype(int)


def log_uniform(random: np.random.Generator, ends: tuple[float, float], size: int) -> np.ndarray:
    """Numbers between the ends, uniform in the logarithm."""
    return ends[0] * (ends[1] / ends[0]) ** random.random(size)


def complex_basis(random: np.random.Generator, rank: int) -> np.ndarray:
    """A random unitary matrix."""
    return np.linalg.qr(random.normal(size=(rank, rank)) + 1j * random.normal(size=(rank, rank)))[0]


serve({"draw": draw}, ("spinprint",))
