"""The faster products are the products."""

import pytest
import torch

from spinprint.networks import products


@pytest.mark.parametrize("onednn", [False, True])
@pytest.mark.parametrize("rows", [1, 5, 130])
def test_products_are_those_of_torch(
    onednn: bool, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if onednn and not torch.backends.mkldnn.is_available():
        pytest.skip("this torch holds no oneDNN")
    monkeypatch.setattr(products, "_ONEDNN", onednn)
    torch.manual_seed(0)
    x, gradient = torch.randn(rows, 7), torch.randn(rows, 4)
    weight, bias = torch.randn(4, 7), torch.randn(4)
    for found, expected in (
        (products.affine(x, weight, bias), x.double() @ weight.double().T + bias.double()),
        (products.back(gradient, weight), gradient.double() @ weight.double()),
        (products.outer(gradient, x), gradient.double().T @ x.double()),
    ):
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
