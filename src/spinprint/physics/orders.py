"""How many configuration orders a tissue needs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..sequence import Sequence
from ..tissue import Tissue
from .engine import compiled, run, signal_type

TOLERANCE = 1e-5
"""The change of a signal that cutting off orders may cause, relative to its peak."""

SLOPE_TOLERANCE = 1e-4
"""The same for a derivative, relative to its own peak: high orders weigh more in those."""

_T2_CLASSES = (0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56)
"""Upper ends of the classes of T2 [s] that share a number of orders: high orders decay with T2."""

_PROBE_T1, _PROBE_B1, _PROBE_B0 = (0.3, 1.0, 2.5, 6.0), (0.4, 0.7, 1.0, 1.6), (0.0, 17.0, 41.0)
_PROBE_WRT = ("t2", "b1")
"""The parameters in whose derivatives high orders weigh most."""


def orders_of(sequence: Sequence, tissue: Tissue, *, slopes: bool) -> NDArray[np.int64]:
    """Orders that keep each signal, and with `slopes` its derivatives, shape `(tissue,)`.

    Decided from the tissue's own T2, and whether it is off resonance, alone, so that a signal
    does not depend on the company it is computed in. The number for a class of T2 is the fewest
    that keep a set of probes at its upper end, over T1, B1 from 0.4 to 1.6 and, off resonance,
    B0, within half the tolerance of what all orders give.
    """
    t2, b0 = (np.broadcast_to(tissue.get(name), tissue.shape) for name in ("t2", "b0"))
    groups, group = np.unique(2 * np.searchsorted(_T2_CLASSES, t2) + (b0 != 0), return_inverse=True)
    wrt = _PROBE_WRT if slopes else ()
    counts = [_class_orders(sequence, int(one) // 2, bool(one % 2), wrt) for one in groups]
    return np.array(counts, np.int64)[group]


@lru_cache(maxsize=256)
def _class_orders(sequence: Sequence, index: int, off_resonance: bool, wrt: tuple[str, ...]) -> int:
    most = compiled(sequence).all_orders
    if index == len(_T2_CLASSES) or most <= 2:
        return most
    offsets = _PROBE_B0 if off_resonance else (0.0,)
    t1, b1, b0 = np.meshgrid(np.maximum(_PROBE_T1, _T2_CLASSES[index]), _PROBE_B1, offsets)
    probes = Tissue(t1=t1, t2=np.array(_T2_CLASSES[index]), t1rho=t1, b1=b1, b0=b0).flat()
    exact = _play(sequence, probes, most, wrt)
    tolerance = np.array([TOLERANCE, *(SLOPE_TOLERANCE for _ in wrt)])[:, None]
    bound = tolerance / 2 * np.abs(exact).max(axis=-1, keepdims=True)

    def enough(count: int) -> bool:
        return bool((np.abs(_play(sequence, probes, count, wrt) - exact) < bound).all())

    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _play(sequence: Sequence, tissue: Tissue, n_states: int, wrt: tuple[str, ...]) -> NDArray[Any]:
    shape = (tissue.size, 1 + len(wrt), sequence.n_samples)
    out = np.empty(shape, signal_type(sequence, tissue, wrt))
    run(sequence, tissue, n_states, wrt, out)
    return out
