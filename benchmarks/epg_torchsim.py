"""torchsim as a worker of `epg.py`; the argument is the file of the case.

The sample lies right after the pulse. Handed over in float32 the train is simulated fastest, but
the time since its start is rounded, to a microsecond in the end; an exact train, in float64, is
simulated in float32 too and costs a small dictionary ten times as much.
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


@cache
def simulator(exact: bool) -> MRFSimulator:
    """The sequence [deg, ms]."""
    dtype = torch.float64 if exact else torch.float32
    return MRFSimulator(
        flip=torch.as_tensor(np.rad2deg(case["flip"]), dtype=dtype),
        TR=torch.as_tensor(case["tr"] * 1e3, dtype=dtype),
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


def signal(atoms: int, exact: bool = False) -> dict[str, Any]:
    """The signal alone."""
    return {"signal": simulator(exact).simulate(**tissue(atoms))}


def jacobian(atoms: int, exact: bool = False) -> dict[str, Any]:
    """The signal and its derivatives for T1 and T2, here per ms."""
    signal, jacobian = simulator(exact).jacobian(("T1", "T2"), **tissue(atoms))
    return {"signal": signal, "jacobian": jacobian}


serve({"signal": signal, "jacobian": jacobian}, ("torchsim", "torch"))
