"""Small networks train on one thread, large ones on all."""

from collections.abc import Iterator

import pytest
import torch

from spinprint.training.threads import WORTH_A_THREAD, enough_threads


@pytest.fixture
def many() -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield 4
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("width", "batch", "used"),
    [(8, 1, 1), (128, 1024, 1), (256, 1024, 2), (384, WORTH_A_THREAD, 4)],
)
def test_threads_follow_the_largest_product_and_come_back(
    width: int, batch: int, used: int, many: int
) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.Linear(width, width))
    with enough_threads(network, batch):
        assert torch.get_num_threads() == used
    assert torch.get_num_threads() == many
