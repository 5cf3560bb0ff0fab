"""A network as a worker of `network.py`; arguments: file of voxels, sequence, blocks."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import spinprint as sp
from common import serve

SLICE = 1 << 16  # voxels of 256 x 256

with np.load(sys.argv[1]) as file:
    drawn = file["voxels"]
voxels = np.resize(drawn, (SLICE, drawn.shape[1]))
sigma = np.full(SLICE, 1e-3 * np.linalg.norm(drawn, axis=1).mean())
config = sp.NetworkConfig(core=sp.Mlp(rank=drawn.shape[1], blocks=int(sys.argv[3])))
model = sp.Model.create(sp.load_sequence(sys.argv[2]), config=config)


def weights() -> dict[str, Any]:
    """Multiplications that a voxel needs."""
    matrices = (weight for weight in model.network.parameters() if weight.ndim == 2)
    return {"weights": np.array(sum(weight.numel() for weight in matrices))}


def map_(slices: int) -> dict[str, Any]:
    """Means and variances of all unknowns in so many slices."""
    for _ in range(slices):
        prediction = model.predict(voxels, sigma)
        model.targets.values(prediction.mean[:, : len(model.targets.names)])
    return {}


serve({"weights": weights, "map": map_}, ("spinprint", "torch", "numpy"))
