"""Muon: orthogonal updates, convergence and weight decay."""

import numpy as np
import pytest
import torch

from spinprint.training._muon import Muon, newton_schulz, orthogonal


@pytest.mark.parametrize("shape", [(12, 12), (40, 8), (8, 40)])
def test_matrices_become_almost_orthogonal(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    matrices = (
        torch.randn((3, *shape), generator=generator) * torch.tensor([1e-6, 1, 1e6])[:, None, None]
    )
    values = torch.linalg.svdvals(orthogonal(matrices))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_only_singular_values_change() -> None:
    """The product of the result with the matrix is symmetric and positive."""
    matrix = torch.randn((6, 6), generator=torch.Generator().manual_seed(1))
    product = (orthogonal(matrix[None])[0].mT @ matrix).numpy()
    np.testing.assert_allclose(product, product.T, atol=1e-4)
    assert np.linalg.eigvalsh(product).min() > 0


def test_zero_gradient_gives_no_step() -> None:
    weight = torch.nn.Parameter(torch.ones(3, 3))
    weight.grad = torch.zeros(3, 3)
    Muon([weight], lr=0.1).step()
    assert torch.equal(weight, torch.ones(3, 3))


def test_quadratic_is_minimised() -> None:
    generator = torch.Generator().manual_seed(2)
    goal = torch.randn((8, 5), generator=generator)
    weights = [torch.nn.Parameter(torch.zeros(8, 5)) for _ in range(2)]
    optimiser = Muon(weights, lr=0.1)
    for step in range(200):
        optimiser.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        optimiser.zero_grad()
        sum(((weight - goal) ** 2).sum() for weight in weights).backward()
        optimiser.step()
    for weight in weights:
        assert (weight - goal).abs().max() < 0.02 * goal.abs().max()


def test_decay_shrinks_weights_without_gradient() -> None:
    weight = torch.nn.Parameter(torch.ones(3, 3))
    weight.grad = torch.zeros(3, 3)
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    assert torch.allclose(weight, torch.full((3, 3), 0.95))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_number_of_cores_changes_only_rounding(count: int) -> None:
    matrices = torch.randn((count, 9, 9), generator=torch.Generator().manual_seed(3))
    singly = torch.cat([newton_schulz(matrix[None]) for matrix in matrices])
    torch.testing.assert_close(orthogonal(matrices), singly, rtol=1e-4, atol=1e-5)
