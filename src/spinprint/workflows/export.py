"""A model folder in, a file for other programs out."""

from __future__ import annotations

from pathlib import Path

from ..files import check_output_file
from ..networks.model import Model
from ..networks.onnx import export_onnx
from .stages import StageDisplay, silent


def export_model(folder: Path, out: Path, *, stage: StageDisplay = silent) -> Path:
    """Write the network of a model folder as ONNX.

    Raises
    ------
    InputError
        Something given cannot be used; nothing was written.
    """
    check_output_file(out)
    model = Model.load(folder)
    with stage("Exporting the network"):
        return export_onnx(model, out)
