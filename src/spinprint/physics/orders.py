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

_B1_CLASSES = (0.4, 1.6)
"""The same of B1 [relative]: pulses of few degrees fill other orders than those near their nominal
angle. Beyond, where a refocusing pulse comes close to a whole turn, no few probes are enough."""

_LONGEST_T1 = 6.0 * (1 + 1e-6)
"""T1 [s] beyond which all orders are kept: what is stored along z decays with it."""

_PROBE_T1, _PROBE_B0 = (0.3, 1.0, 2.5, 6.0), (0.0, 17.0, 41.0, 107.0, 251.0)
_PROBE_B1 = ((0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4), (0.4, 0.7, 1.0, 1.3, 1.6))
"""Where each class of B1 is probed."""

_PROBE_WRT = ("t2", "b1")
"""The parameters in whose derivatives high orders weigh most."""


def orders_of(sequence: Sequence, tissue: Tissue, *, slopes: bool) -> NDArray[np.int64]:
    """Orders that keep each signal, and with `slopes` its derivatives, shape `(tissue,)`.

    Decided from the tissue's own T1, T2 and B1, and whether it is off resonance, alone, so that a
    signal does not depend on the company it is computed in. The number for a class of T2 and B1 is
    the fewest that keep a set of probes at the upper end of T2, over T1, B1 and, off resonance,
    B0, within half the tolerance of what all orders give. Beyond the classes, and where T2 exceeds
    T1, all orders are kept.
    """
    names = ("t1", "t2", "b1", "b0")
    t1, t2, b1, b0 = (np.broadcast_to(tissue.get(name), tissue.shape) for name in names)
    probed = (t1 <= _LONGEST_T1) & (t2 <= t1 * (1 + 1e-6))
    of_t2 = np.where(probed, np.searchsorted(_T2_CLASSES, t2), len(_T2_CLASSES))
    of_b1 = np.searchsorted(_B1_CLASSES, b1)
    shape = (len(_T2_CLASSES) + 1, len(_B1_CLASSES) + 1, 2)
    codes = np.ravel_multi_index((of_t2, of_b1, b0 != 0), shape)
    groups, group = np.unique(codes, return_inverse=True)
    wrt = _PROBE_WRT if slopes else ()
    classes = np.transpose(np.unravel_index(groups, shape)).tolist()
    counts = [_class_orders(sequence, *one, wrt) for one in classes]
    return np.array(counts, np.int64)[group]


@lru_cache(maxsize=512)
def _class_orders(
    sequence: Sequence, of_t2: int, of_b1: int, off_resonance: int, wrt: tuple[str, ...]
) -> int:
    most = compiled(sequence).all_orders
    if of_t2 == len(_T2_CLASSES) or of_b1 == len(_B1_CLASSES) or most <= 2:
        return most
    offsets = _PROBE_B0 if off_resonance else (0.0,)
    t2 = _T2_CLASSES[of_t2]
    t1, b1, b0 = np.meshgrid(np.maximum(_PROBE_T1, t2), _PROBE_B1[of_b1], offsets)
    probes = Tissue(t1=t1, t2=np.array(t2), t1rho=t1, b1=b1, b0=b0).flat()
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
