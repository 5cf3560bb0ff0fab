"""The exported network answers as the one it was made from."""

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

from .conftest import played

pytest.importorskip("onnxscript")
runtime: Any = pytest.importorskip("onnxruntime")

CASES = [
    ("turning", NetworkConfig(core=Mlp(width=12, blocks=1), known=("b1",))),
    ("one line", NetworkConfig(core=Recurrent(cell="rnn", width=8), output="mean")),
    ("turning", NetworkConfig(core=Recurrent(cell="gru", width=8, bidirectional=True))),
    ("one line", NetworkConfig(core=Recurrent(cell="lstm", width=8, readout="all"))),
]


@pytest.mark.parametrize(("phase", "config"), CASES, ids=str)
def test_answers_are_those_of_torch(phase: str, config: NetworkConfig, tmp_path: Path) -> None:
    sequence = played(phase)
    prior = Prior({**Prior.default(sequence).laws, "b1": Uniform(0.7, 1.3)})
    model = Model.create(sequence, prior, config)
    stir(model)
    path = onnx.export_onnx(model, tmp_path / "network.onnx")
    session = runtime.InferenceSession(path)
    outputs = [output.name for output in session.get_outputs()]
    rng = np.random.default_rng(0)
    for count in (1, 37):
        tissue = prior.draw(count, rng)
        m0 = rng.uniform(1, 500, count) * np.exp(1j * rng.uniform(-3, 3, count))
        series = add_noise(simulate(sequence, tissue.replace(m0=m0)), 0.1, rng)
        given = {
            "series_real": series.real,
            "series_imaginary": series.imag,
            "sigma": np.full(count, 0.1),
            **({"known": tissue.b1[:, None]} if config.known else {}),
        }
        asked = {name: np.ascontiguousarray(value, np.float32) for name, value in given.items()}
        found = dict(zip(outputs, session.run(None, asked), strict=True))
        reply = model.answer(model.compress(series), np.full(count, 0.1), given.get("known"))
        np.testing.assert_allclose(found["mean"], reply.mean, atol=1e-4)
        np.testing.assert_allclose(found["norm"], reply.norm, rtol=1e-5)
        np.testing.assert_allclose(found["turn"], np.stack(reply.turn, axis=1), atol=1e-4)
        if config.output == "gaussian":
            np.testing.assert_allclose(np.exp(found["log_variance"]), reply.variance, rtol=1e-4)
        else:
            assert "log_variance" not in outputs
    told = json.loads(session.get_modelmeta().custom_metadata_map["spinprint"])
    assert told["model"] == model.digest
    assert told["known"] == list(config.known)
    assert told["unknowns"] == model.targets.axes()


def stir(model: Model) -> None:
    """Weights that no part of the network is blind under."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.network.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator))


def test_without_the_extra_its_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx, "find_spec", lambda name: None)  # noqa: ARG005
    with pytest.raises(MissingExtraError, match=r"pip install 'spinprint\[onnx\]'"):
        onnx.export_onnx(Model.create(played("turning")), tmp_path / "network.onnx")
