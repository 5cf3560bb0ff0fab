"""torchsim as a worker of `epg.py`; the argument is the file of the case.

Times are ms, angles degrees; the sample lies right after the pulse; float32, on all cores.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np
import torch
from torchsim.simulators import MRFSimulator

from common import serve

case = np.load(sys.argv[1])
simulator = MRFSimulator(
    flip=torch.as_tensor(np.rad2deg(case["flip"]), dtype=torch.float32),
    TR=torch.as_tensor(case["tr"] * 1e3, dtype=torch.float32),
    TI=float(case["delay"]) * 1e3,
    states=int(case["states"]),
)


@cache
def tissue(atoms: int) -> dict[str, torch.Tensor]:
    """The first atoms of the case [ms]."""
    times = {"T1": case["t1"], "T2": case["t2"]}
    return {
        name: torch.as_tensor(one[:atoms] * 1e3, dtype=torch.float32) for name, one in times.items()
    }


def signal(atoms: int) -> dict[str, Any]:
    """The signal alone."""
    return {"signal": simulator.simulate(**tissue(atoms))}


def jacobian(atoms: int) -> dict[str, Any]:
    """The signal and its derivatives for T1 and T2, here per ms."""
    signal, jacobian = simulator.jacobian(("T1", "T2"), **tissue(atoms))
    return {"signal": signal, "jacobian": jacobian}


serve({"signal": signal, "jacobian": jacobian}, ("torchsim", "torch"))
