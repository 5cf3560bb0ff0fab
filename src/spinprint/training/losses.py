"""What a network is punished for."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..networks.network import Answer


class Lesson(NamedTuple):
    """What is to be learned of some voxels, on the scaled axes of the targets."""

    mean: Tensor
    """The tissue, or what a teacher takes it for, `(voxel, target)`."""
    variance: Tensor | float = 0.0
    """How unsure the teacher is, `(voxel, target)`; 0 for the tissue itself."""


def squared_error(answer: Answer, lesson: Lesson) -> Tensor:
    """Mean over voxels and targets of (answer - lesson)²."""
    return ((answer.mean - lesson.mean) ** 2).mean()


def gaussian(answer: Answer, lesson: Lesson, beta: float) -> Tensor:
    """Negative log-likelihood of a normal, weighed by its variance to the power of beta.

    Averaged over a normal lesson of some variance. Without the weight, voxels that are already
    well explained drown all others; with beta = 1 the means are learned as by squared error
    (Seitzer et al., ICLR 2022, "On the pitfalls of heteroscedastic uncertainty estimation").
    """
    assert answer.log_variance is not None  # the configuration has seen to it
    error = (answer.mean - lesson.mean) ** 2 + lesson.variance
    loss = (error * torch.exp(-answer.log_variance) + answer.log_variance) / 2
    return (loss * torch.exp(beta * answer.log_variance.detach())).mean()
