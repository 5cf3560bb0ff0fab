"""spinprint as a worker of `epg.py`; the argument is the file of the case."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

import spinprint as sp
from common import serve
from spinprint.memory import forget
from spinprint.physics.simulate import simulate_flat
from spinprint.sequence import Inversion, ReadoutTrain, Sequence

case = np.load(sys.argv[1])
states = int(case["states"])
train = ReadoutTrain(flip=case["flip"], tr=case["tr"], te=0.0)
sequence = Sequence(
    name="benchmark", field_strength=3.0, blocks=(Inversion(delay=float(case["delay"])), train)
)


@cache
def tissue(atoms: int, b0: float = 0.0) -> Any:
    """The first atoms of the case."""
    return sp.Tissue(t1=case["t1"][:atoms], t2=case["t2"][:atoms], b0=np.array(b0))


def signal(atoms: int) -> dict[str, Any]:
    """What a user calls."""
    return {"signal": sp.simulate(sequence, tissue(atoms), n_states=states)}


def fresh(atoms: int) -> dict[str, Any]:
    """The same, where no large result was given up before."""
    forget()
    return signal(atoms)


def flat(atoms: int) -> dict[str, Any]:
    """What building a dictionary calls: real where the signal is."""
    return {"signal": simulate_flat(sequence, tissue(atoms), n_states=states)}


def jacobian(atoms: int) -> dict[str, Any]:
    """The signal and its derivatives for T1 and T2 [1/s]."""
    wrt = ("t1", "t2")
    signal, jacobian = sp.simulate(sequence, tissue(atoms), n_states=states, wrt=wrt)
    return {"signal": signal, "jacobian": jacobian}


def off_resonance(atoms: int) -> dict[str, Any]:
    """Complex states: the kernel's second form."""
    return {"signal": sp.simulate(sequence, tissue(atoms, b0=10.0), n_states=states)}


serve(
    {task.__name__: task for task in (signal, fresh, flat, jacobian, off_resonance)},
    ("spinprint", "numba", "numpy"),
)
