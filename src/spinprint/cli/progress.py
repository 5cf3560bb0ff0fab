"""Stages of a workflow on standard error: bars on a terminal, plain lines in a file or pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..parallel import Progress as Callback

console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
"""Where people are told things; results go to standard output."""

_INTERVAL = 30.0
"""Time between two lines of one stage where there is no terminal [s]."""


@contextmanager
def stage(name: str) -> Iterator[Callback]:
    """Show a stage of the work while it runs, and how long it took when it ends.

    Of a stage that fails nothing stays on the screen: the error says what there is to say.
    """
    with (_bar if console.is_terminal else _lines)(name) as callback:
        yield callback


@contextmanager
def _bar(name: str) -> Iterator[Callback]:
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=None)
        try:
            yield lambda done, total: bar.update(task, completed=done, total=total)
        except BaseException:
            bar.remove_task(task)
            raise
        bar.update(task, total=1, completed=1)


@contextmanager
def _lines(name: str) -> Iterator[Callback]:
    begun = told = monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        if monotonic() - told >= _INTERVAL:
            told = monotonic()
            console.print(f"{name}: {done / total:.0%} after {told - begun:.0f} s")

    yield tell
    console.print(f"{name}: {monotonic() - begun:.1f} s")
