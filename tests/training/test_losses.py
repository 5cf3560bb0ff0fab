import pytest
import torch

from spinprint.networks.network import Answer
from spinprint.training.losses import Lesson, gaussian, squared_error


def answer(mean: float, variance: float) -> Answer:
    return Answer(
        torch.full((4, 2), mean, requires_grad=True),
        torch.full((4, 2), variance).log().requires_grad_(),
    )


def test_squared_error_is_the_mean() -> None:
    assert squared_error(answer(0.5, 1), Lesson(torch.zeros(4, 2))).item() == 0.25


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("unsure", [0.0, 0.3])
def test_the_best_variance_is_the_squared_error_and_the_teachers_own(
    beta: float, unsure: float
) -> None:
    lesson = Lesson(torch.zeros(4, 2), torch.full((4, 2), unsure) if unsure else 0.0)
    slopes = []
    for factor in (0.9, 1.0, 1.1):
        said = answer(0.2, factor * (0.04 + unsure))
        gaussian(said, lesson, beta).backward()
        assert said.log_variance is not None
        assert said.log_variance.grad is not None
        slopes.append(float(said.log_variance.grad.sum()))
    assert slopes[0] < -1e-3
    assert slopes[1] == pytest.approx(0, abs=1e-6)
    assert slopes[2] > 1e-3


def test_with_all_the_weight_means_are_learned_as_by_squared_error() -> None:
    lesson = Lesson(torch.zeros(4, 2))
    slopes = []
    for variance in (0.01, 1.0):
        said = answer(0.2, variance)
        gaussian(said, lesson, beta=1.0).backward()
        slopes.append(said.mean.grad)
    assert torch.allclose(*slopes)


def test_without_weight_it_is_the_likelihood_of_a_normal() -> None:
    mean, variance, truth = torch.tensor([[0.3]]), torch.tensor([[0.2]]), torch.tensor([[0.9]])
    loss = gaussian(Answer(mean, variance.log()), Lesson(truth), beta=0.0)
    normal = torch.distributions.Normal(mean, variance.sqrt())
    constant = torch.log(torch.tensor(2 * torch.pi)) / 2
    assert loss == pytest.approx(float(-normal.log_prob(truth) - constant), rel=1e-5)
