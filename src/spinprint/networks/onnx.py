"""Models for other programs, as ONNX (extra `onnx`).

The exported network takes series as they were measured, all with the axis `voxel` first:
`series_real`, `series_imaginary` `(voxel, time)`, `sigma` `(voxel,)` in the unit of the series,
and `known` `(voxel, field)` where the network is told fields. It gives

- `mean` and, where the network states them, `log_variance`, `(voxel, target)`: the unknowns on
  axes from 0 to 1, then the logarithm of the norm of what it sees of a signal with M0 = 1, and,
  where its phase varies with the tissue, the cosine and sine of that phase;
- `norm` `(voxel,)` and `turn` `(voxel, 2)`: norm of what it saw, cosine and sine of the phase it
  took out. M0 has the modulus norm / exp(log norm answered) and that phase less the answered one.

The metadata `spinprint` hold as JSON the digest of the model, the sequence, the known fields, and
of every unknown its `name` and axis: `low` and `high` [s, mm²/s, relative B1, Hz] are what 0 and 1
stand for, evenly in between in the value itself or, where `log` is true, in its logarithm.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import MissingExtraError
from ..files import replacing
from .inputs import split
from .model import Model

METADATA = "spinprint"
"""Key of the metadata."""

_EXAMPLES = 3  # voxels the network is traced with; any number but 0 and 1 will do


class Exported(nn.Module):
    """A network with the product with its basis before it."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network = deepcopy(model.network).cpu()
        self.compresses = model.compresses
        real, imaginary = split(model.basis)
        self.register_buffer("basis_real", real)
        self.register_buffer("basis_imaginary", imaginary)

    def forward(
        self, real: Tensor, imaginary: Tensor, sigma: Tensor, known: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Answer for voxels, as the module says."""
        if self.compresses:
            # The product with the conjugate of the basis.
            real, imaginary = (
                real @ self.basis_real + imaginary @ self.basis_imaginary,
                imaginary @ self.basis_real - real @ self.basis_imaginary,
            )
        told = real[:, :0] if known is None else known
        seen = self.network.inputs(real, imaginary, sigma, told)
        answer = self.network.answer(seen)
        said = (answer.mean,) if answer.log_variance is None else tuple(answer)
        return (*said, seen.norm, torch.stack(seen.turn, dim=1))


def export_onnx(model: Model, path: str | Path) -> Path:
    """Write a model as ONNX.

    Raises
    ------
    MissingExtraError
        The extra `onnx` is not installed.
    OutputError
        The file cannot be written.
    """
    if not all(find_spec(package) for package in ("onnx", "onnxscript")):
        raise MissingExtraError("export needs onnx and onnxscript: pip install 'spinprint[onnx]'")
    module = Exported(model).eval()
    n, fields = model.sequence.n_samples, len(model.config.known)
    examples = {
        "series_real": torch.ones(_EXAMPLES, n),
        "series_imaginary": torch.ones(_EXAMPLES, n),
        "sigma": torch.ones(_EXAMPLES),
        **({"known": torch.ones(_EXAMPLES, fields)} if fields else {}),
    }
    outputs = ["mean", *(["log_variance"] if model.network.gaussian else []), "norm", "turn"]
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            module,
            tuple(examples.values()),
            input_names=list(examples),
            output_names=outputs,
            dynamic_shapes=tuple({0: torch.export.Dim("voxel")} for _ in examples),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.model.metadata_props[METADATA] = json.dumps(describe(model))
    path = Path(path)
    with replacing(path) as temporary:
        program.save(str(temporary))
    return path


def describe(model: Model) -> dict[str, Any]:
    """The metadata, as plain values."""
    return {
        "version": version("spinprint"),
        "model": model.digest,
        "sequence": {"name": model.sequence.name, "digest": model.sequence.digest},
        "known": list(model.config.known),
        "unknowns": model.targets.axes(),
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what the exporter tells of its insides."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
