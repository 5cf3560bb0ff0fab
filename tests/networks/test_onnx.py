"""The exported network gives the predictions of its model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spinprint import MissingExtraError, Mlp, Model, NetworkConfig, Prior, Recurrent, simulate
from spinprint.networks import onnx
from spinprint.physics.noise import add_noise
from spinprint.prior import Uniform

from .conftest import tiny

pytest.importorskip("onnxscript")
runtime: Any = pytest.importorskip("onnxruntime")

CASES = [
    ("complex", NetworkConfig(core=Mlp(width=12, blocks=1), known=("b1",))),
    ("real", NetworkConfig(core=Recurrent(cell="rnn", width=8), output="mean")),
    ("complex", NetworkConfig(core=Recurrent(cell="gru", width=8, bidirectional=True))),
    ("real", NetworkConfig(core=Recurrent(cell="lstm", width=8, readout="all"))),
]


@pytest.mark.parametrize(("phase", "config"), CASES, ids=str)
def test_outputs_equal_torch(phase: str, config: NetworkConfig, tmp_path: Path) -> None:
    sequence = tiny(phase)
    prior = Prior({**Prior.default(sequence).laws, "b1": Uniform(0.7, 1.3)})
    model = Model.create(sequence, prior, config)
    randomise(model)
    path = onnx.export_onnx(model, tmp_path / "network.onnx")
    session = runtime.InferenceSession(path)
    outputs = [output.name for output in session.get_outputs()]
    rng = np.random.default_rng(0)
    for count in (1, 37):
        tissue = prior.draw(count, rng)
        m0 = rng.uniform(1, 500, count) * np.exp(1j * rng.uniform(-3, 3, count))
        series = add_noise(simulate(sequence, tissue.replace(m0=m0)), 0.1, rng)
        inputs = {
            "series_real": series.real,
            "series_imaginary": series.imag,
            "sigma": np.full(count, 0.1),
            **({"known": tissue.b1[:, None]} if config.known else {}),
        }
        feed = {name: np.ascontiguousarray(value, np.float32) for name, value in inputs.items()}
        result = dict(zip(outputs, session.run(None, feed), strict=True))
        prediction = model.predict(model.compress(series), np.full(count, 0.1), inputs.get("known"))
        np.testing.assert_allclose(result["mean"], prediction.mean, atol=1e-4)
        np.testing.assert_allclose(result["norm"], prediction.norm, rtol=1e-5)
        np.testing.assert_allclose(result["turn"], np.stack(prediction.phase, axis=1), atol=1e-4)
        if config.output == "gaussian":
            np.testing.assert_allclose(
                np.exp(result["log_variance"]), prediction.variance, rtol=1e-4
            )
        else:
            assert "log_variance" not in outputs
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["spinprint"])
    assert metadata["model"] == model.digest
    assert metadata["known"] == list(config.known)
    assert metadata["unknowns"] == model.targets.axes()


def randomise(model: Model) -> None:
    """Give every part of the network an effect on the outputs."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator))


def test_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "find_spec", lambda name: None)  # noqa: ARG005
    with pytest.raises(MissingExtraError, match=r"pip install 'spinprint\[onnx\]'"):
        onnx.export_onnx(Model.create(tiny("complex")), tmp_path / "network.onnx")
