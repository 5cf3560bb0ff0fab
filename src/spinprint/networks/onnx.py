"""Export of models to other programs, as ONNX (extra `onnx`).

The inputs of the exported network are measured series, with the axis `voxel` first:
`series_real`, `series_imaginary` `(voxel, time)`, `sigma` `(voxel,)` in the unit of the series,
and `known` `(voxel, field)` if fields are inputs. The outputs are

- `mean` and, if the network estimates it, `log_variance`, `(voxel, target)`: the unknowns on axes
  from 0 to 1, then the logarithm of the norm of the signal (or its coefficients) for M0 = 1, and,
  if its phase varies with the tissue, the cosine and sine of that phase;
- `norm` `(voxel,)` and `turn` `(voxel, 2)`: norm of the signal (or its coefficients), and cosine
  and sine of the phase that was removed. M0 has the modulus norm / exp(estimated log norm) and the
  removed phase less the estimated one.

The metadata `spinprint` contain, as JSON, the digest of the model, the sequence, the known fields,
and per unknown its `name` and axis: `low` and `high` [s, mm²/s, relative B1, Hz] are the values at
0 and 1; in between the value or, if `log` is true, its logarithm is linear.
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

_EXAMPLES = 3  # voxels for tracing; any number except 0 and 1


class Exported(nn.Module):
    """A network preceded by the projection onto its basis."""

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
        """Compute the outputs of the exported network, see the module."""
        if self.compresses:
            # Product with the conjugate of the basis.
            real, imaginary = (
                real @ self.basis_real + imaginary @ self.basis_imaginary,
                imaginary @ self.basis_real - real @ self.basis_imaginary,
            )
        fields = real[:, :0] if known is None else known
        features = self.network.inputs(real, imaginary, sigma, fields)
        output = self.network.predict(features)
        targets = (output.mean,) if output.log_variance is None else tuple(output)
        return (*targets, features.norm, torch.stack(features.phase, dim=1))


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
    """Metadata of the exported model, as plain values."""
    return {
        "version": version("spinprint"),
        "model": model.digest,
        "sequence": {"name": model.sequence.name, "digest": model.sequence.digest},
        "known": list(model.config.known),
        "unknowns": model.targets.axes(),
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the log messages and warnings of the exporter."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
