"""As many threads as a training has work for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..networks.stack import torch_threads

WORTH_A_THREAD = 25_000_000
"""Multiply-adds of a step's largest product that a thread of torch is worth. With fewer, threads
wait for each other, and for the simulation of the next signals, longer than they save: measured
with layers of 128 to 384 units on two cores, where both ways take equally long at 192. What
`networks.stack` does is not meant: its parts have a thread each."""


@contextmanager
def enough_threads(network: torch.nn.Module, batch: int) -> Iterator[None]:
    """Let torch use no more threads than steps of `batch` signals have work for."""
    largest = batch * max(weight.numel() for weight in network.parameters())
    with torch_threads(max(1, min(torch.get_num_threads(), largest // WORTH_A_THREAD))):
        yield
