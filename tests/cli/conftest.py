from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from spinprint.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status, and the lines on both outputs."""

    status: int | str | None
    out: list[str]
    err: list[str]


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process."""

    def run(*arguments: Any) -> Outcome:
        status: int | str | None = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        return Outcome(status, out.splitlines(), err.splitlines())

    return run
