"""The processes and threads that train one network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..networks.stack import torch_threads

_WORK_PER_THREAD = 25_000_000
# Multiply-adds of the largest product of a step per thread of torch. With less work, threads wait
# for each other, and for the simulation of the next signals, longer than they save: measured with
# layers of 128 to 384 units on two cores, where one and two threads take equally long at 192. It
# does not concern `networks.stack`, where every part has one thread.


@dataclass(frozen=True, slots=True)
class Processes:
    """One process among all; each takes every `count`-th signal of a batch."""

    rank: int = 0
    """Number of this process."""
    count: int = 1
    """Number of processes."""

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """Select the rows of this process."""
        return rows[self.rank :: self.count]

    def parallel(self, network: nn.Module) -> nn.Module:
        """Wrap a network so that its gradients are averaged over all processes."""
        if self.count == 1:
            return network
        return nn.parallel.DistributedDataParallel(network)

    def mean(self, value: float) -> float:
        """Average a number over all processes."""
        if self.count == 1:
            return value
        total = torch.tensor([value], dtype=torch.float64)
        torch.distributed.all_reduce(total)
        return float(total[0]) / self.count


@contextmanager
def join_processes() -> Iterator[Processes]:
    """Join the processes that `torchrun` started, if any, and leave them at the end."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes()
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    torch.distributed.init_process_group("gloo")
    try:
        yield Processes(torch.distributed.get_rank(), torch.distributed.get_world_size())
    finally:
        torch.distributed.destroy_process_group()


@contextmanager
def limit_threads(network: nn.Module, batch: int) -> Iterator[None]:
    """Let torch use no more threads than a step of `batch` signals keeps busy."""
    work = batch * max(weight.numel() for weight in network.parameters())
    with torch_threads(max(1, min(torch.get_num_threads(), work // _WORK_PER_THREAD))):
        yield
