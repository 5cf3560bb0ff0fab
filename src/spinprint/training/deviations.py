"""After the training: make stated deviations hold as often as they should."""

from __future__ import annotations

import torch

from ..networks.model import Model
from .config import Stage
from .data import add_noise, draw_snr, simulate_block, torch_stream
from .streams import DEVIATIONS, stream

_VOXELS = 32_768


def fit_deviations(model: Model, stage: Stage, seed: int) -> None:
    """Fit the factors on signals of the stage's noise that nothing was learned from."""
    if isinstance(stage.snr_db, str):
        return  # without noise nothing says how often an answer should hold
    block = simulate_block(model, _VOXELS, stream(seed, DEVIATIONS))
    generator = torch_stream(seed, DEVIATIONS)
    limits = stage.snr_db_end or stage.snr_db
    voxels = add_noise(block, draw_snr(limits, _VOXELS, generator), generator)
    network = model.network.eval()
    with torch.inference_mode():
        seen = network.inputs(*voxels)
        answer = network.answer(seen)  # its factors are still 1
        assert answer.log_variance is not None  # only such networks come here
        ratio = (answer.mean - block.targets).abs() * torch.exp(-answer.log_variance / 2)
    network.deviations.fit(seen.noise, ratio)
