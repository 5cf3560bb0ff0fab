"""Stages of a workflow as progress bars on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..parallel import Progress as Callback

console = Console(stderr=True, highlight=False)
"""Where people are told things; results go to standard output."""


@contextmanager
def stage(name: str) -> Iterator[Callback]:
    """Show a stage of the work while it runs, and how long it took when it ends."""
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
        bar.update(task, total=1, completed=1)
