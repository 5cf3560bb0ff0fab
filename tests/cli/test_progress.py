import io

import pytest
from rich.console import Console

from spinprint.cli import progress


def console(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> io.StringIO:
    text = io.StringIO()
    fake = Console(file=text, force_terminal=terminal, width=80, color_system=None)
    monkeypatch.setattr(progress, "console", fake)
    return text


def after_last_erasure(text: io.StringIO) -> str:
    """What stays on the screen of a bar that redraws its line."""
    return text.getvalue().split("\x1b[2K")[-1]


def test_a_pipe_gets_a_line_when_a_stage_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    text = console(monkeypatch, terminal=False)
    with progress.stage("Mapping") as tell:
        tell(1, 4)
    assert text.getvalue() == "Mapping: 0.0 s\n"


def test_a_pipe_hears_of_long_stages_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    text = console(monkeypatch, terminal=False)
    clock = iter([0.0, 10.0, 31.0, 31.0, 40.0, 50.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    with progress.stage("Mapping") as tell:
        tell(1, 4)
        tell(2, 4)
        tell(3, 4)
    assert text.getvalue() == "Mapping: 50% after 31 s\nMapping: 50.0 s\n"


def test_a_terminal_keeps_the_bar_of_a_stage_that_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    text = console(monkeypatch, terminal=True)
    with progress.stage("Mapping") as tell:
        tell(1, 4)
    assert "✓ Mapping" in after_last_erasure(text)


@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_stays_of_a_stage_that_fails(
    monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    text = console(monkeypatch, terminal=terminal)

    def fail() -> None:
        with progress.stage("Mapping"):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert "Mapping" not in after_last_erasure(text)
