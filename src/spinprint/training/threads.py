"""As many threads as a training has work for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

WORTH_A_THREAD = 25_000_000
"""Multiply-adds of a step's largest product that a thread of torch is worth. With fewer, threads
wait for each other, and for the simulation of the next signals, longer than they save: measured
with layers of 128 to 384 units on two cores, where both ways take equally long at 192. What
`networks.stack` does is not meant: its parts have a thread each."""


@contextmanager
def enough_threads(network: torch.nn.Module, batch: int) -> Iterator[None]:
    """Let torch use no more threads than steps of `batch` signals have work for."""
    before = torch.get_num_threads()
    largest = batch * max(weight.numel() for weight in network.parameters())
    torch.set_num_threads(max(1, min(before, largest // WORTH_A_THREAD)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
