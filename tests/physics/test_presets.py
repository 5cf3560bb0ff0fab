"""Presets: the signal of each holds all of its unknowns."""

import numpy as np
import pytest

from spinprint import Tissue, load_sequence, presets
from spinprint.physics.simulate import simulate

# White matter, grey matter, muscle and cartilage at 3 T: what the presets are for.
TISSUES = {
    "t1": np.array([0.83, 1.56, 1.42, 1.20]),
    "t2": np.array([0.075, 0.083, 0.032, 0.037]),
    "t1rho": np.array([0.090, 0.100, 0.040, 0.045]),
    "adc": np.array([0.65e-3, 0.83e-3, 1.5e-3, 1.3e-3]),
}


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_unknown_can_be_told_from_one_fingerprint(name: str) -> None:
    """At sigma = 0.001 M0 the Cramér-Rao bound of each unknown is below 2 percent of its value."""
    sequence = load_sequence(name)
    tissue = Tissue(**TISSUES)
    signal, jacobian = simulate(sequence, tissue, wrt=sequence.unknowns)
    # The columns of M0 and of the unknowns, each relative to its value; phases are all zero.
    relative = jacobian.real * np.stack([TISSUES[u] for u in sequence.unknowns], axis=1)[..., None]
    columns = np.concatenate([signal.real[:, None], relative], axis=1).astype(float)
    information = columns @ columns.swapaxes(1, 2) / 0.001**2
    sd = np.sqrt(np.diagonal(np.linalg.inv(information), axis1=1, axis2=2))
    assert sd.max() < 0.02
