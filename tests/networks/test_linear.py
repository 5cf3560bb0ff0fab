"""The faster product is the product, and so are its gradients."""

import pytest
import torch

from spinprint.networks.linear import Linear


@pytest.mark.parametrize("shape", [(7,), (5, 7), (3, 5, 7)])
def test_products_and_gradients_are_those_of_torch(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    layer = Linear(7, 4)
    plain = torch.nn.Linear(7, 4)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(shape)
    results = []
    for one in (layer, plain):
        given = x.clone().requires_grad_()
        out = one(given)
        (out**2).sum().backward()
        results.append([out.detach(), given.grad, one.weight.grad, one.bias.grad])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    with torch.inference_mode():
        torch.testing.assert_close(layer(x), plain(x))


def test_frozen_weights_get_no_gradient_but_pass_it_on() -> None:
    torch.manual_seed(0)
    layer = Linear(7, 4).requires_grad_(False)
    x = torch.randn(5, 7, requires_grad=True)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    torch.testing.assert_close(x.grad, layer.weight.sum(dim=0).expand(5, 7))
