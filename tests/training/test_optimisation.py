"""Losses, learning rate, moving average."""

import numpy as np
import pytest
import torch

from spinprint import Stage
from spinprint.networks.network import Output
from spinprint.training._batches import Labels
from spinprint.training._optimisation import gaussian, learning_rate, squared_error, update_average


def output_of(mean: float, variance: float) -> Output:
    return Output(
        torch.full((4, 2), mean, requires_grad=True),
        torch.full((4, 2), variance).log().requires_grad_(),
    )


def test_squared_error_is_averaged() -> None:
    assert squared_error(output_of(0.5, 1), Labels(torch.zeros(4, 2))).item() == 0.25


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("label_variance", [0.0, 0.3])
def test_best_variance_is_squared_error_plus_label_variance(
    beta: float, label_variance: float
) -> None:
    labels = Labels(
        torch.zeros(4, 2), torch.full((4, 2), label_variance) if label_variance else 0.0
    )
    gradients = []
    for factor in (0.9, 1.0, 1.1):
        output = output_of(0.2, factor * (0.04 + label_variance))
        gaussian(output, labels, beta).backward()
        assert output.log_variance is not None
        assert output.log_variance.grad is not None
        gradients.append(float(output.log_variance.grad.sum()))
    assert gradients[0] < -1e-3
    assert gradients[1] == pytest.approx(0, abs=1e-6)
    assert gradients[2] > 1e-3


def test_beta_1_trains_means_as_squared_error() -> None:
    labels = Labels(torch.zeros(4, 2))
    gradients = []
    for variance in (0.01, 1.0):
        output = output_of(0.2, variance)
        gaussian(output, labels, beta=1.0).backward()
        gradients.append(output.mean.grad)
    assert torch.allclose(*gradients)


def test_beta_0_is_the_likelihood_of_a_normal() -> None:
    mean, variance, truth = torch.tensor([[0.3]]), torch.tensor([[0.2]]), torch.tensor([[0.9]])
    loss = gaussian(Output(mean, variance.log()), Labels(truth), beta=0.0)
    normal = torch.distributions.Normal(mean, variance.sqrt())
    constant = torch.log(torch.tensor(2 * torch.pi)) / 2
    assert loss == pytest.approx(float(-normal.log_prob(truth) - constant), rel=1e-5)


@pytest.mark.parametrize(("step", "expected"), [(0, 0.1), (4, 5 / 14), (10**6, 0.99)])
def test_average_decays_faster_in_the_first_steps(step: int, expected: float) -> None:
    average = {"a": torch.ones(3)}
    update_average(average, {"a": torch.zeros(3)}, 0.99, step)
    torch.testing.assert_close(average["a"], torch.full((3,), expected))


def test_learning_rate_rises_and_falls() -> None:
    stage = Stage(steps=100, warm_up=10, learning_rate=0.5)
    rates = [learning_rate(stage, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.05, rel=0.01)
    assert int(np.argmax(rates)) == 9
    assert rates[50] == pytest.approx(0.25)
    assert rates[-1] < 0.001
    constant = stage.model_copy(update={"schedule": "constant"})
    assert learning_rate(constant, 99) == 0.5
