"""torch as a worker of `matching.py`; the arguments are the file of atoms and voxels, and a chunk.

What one writes without thinking of memory traffic: for so many voxels at a time, all inner
products by a complex matrix product, their moduli, and the largest of each row.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch

from common import serve

with np.load(sys.argv[1]) as file:
    atoms, voxels = (
        torch.as_tensor(file[name], dtype=torch.complex64) for name in ("atoms", "voxels")
    )
chunk = int(sys.argv[2])
unit = (atoms / torch.linalg.norm(atoms, dim=1, keepdim=True)).conj().T.resolve_conj().contiguous()


def match() -> dict[str, Any]:
    """The best atom of every voxel."""
    index, score = torch.empty(len(voxels), dtype=torch.int64), torch.empty(len(voxels))
    for start in range(0, len(voxels), chunk):
        here = slice(start, start + chunk)
        products = (voxels[here] @ unit).abs()
        index[here] = products.argmax(dim=1)
        score[here] = products.gather(1, index[here, None])[:, 0]
    return {"index": index, "score": score}


serve({"match": match}, ("torch",))
