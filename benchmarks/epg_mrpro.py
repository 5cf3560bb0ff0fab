"""mrpro as a worker of `epg.py`; the argument is the file of the case.

A flip from equilibrium gives -i times a positive signal; complex64, on all cores.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch

from common import serve

# mrpro imports torchvision for its phantoms alone, and the build that pip finds does not load
# beside a CPU build of torch.
parts = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
sys.modules.update({name: ModuleType(name) for name in parts})

from mrpro.operators.models.EPG import (  # noqa: E402
    EPGSequence,
    FispBlock,
    InversionBlock,
    Parameters,
)

case = np.load(sys.argv[1])
flip, tr = (torch.as_tensor(case[name], dtype=torch.float32) for name in ("flip", "tr"))
sequence = EPGSequence([InversionBlock(float(case["delay"])), FispBlock(flip, 0.0, 0.0, tr)])


@cache
def tissue(atoms: int) -> Parameters:
    """The first atoms of the case."""
    t1, t2 = (torch.as_tensor(case[name][:atoms], dtype=torch.float32) for name in ("t1", "t2"))
    return Parameters(m0=torch.ones_like(t1), t1=t1, t2=t2)


def signal(atoms: int) -> dict[str, Any]:
    """The signal, `(atom, time)`."""
    with torch.no_grad():
        _, samples = sequence(tissue(atoms), int(case["states"]))
        return {"signal": torch.stack(samples, dim=-1)}


serve({"signal": signal}, ("mrpro", "torch"))
