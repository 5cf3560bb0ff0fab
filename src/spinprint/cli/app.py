"""The command line itself; the commands are in the modules beside it.

Each command parses, makes one library call and prints the path of the result.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter, UnusedCliTokensError

from ..errors import InputError
from ..room import free_memory, in_words
from .plain import speak_plainly

app = App(
    name="spinprint",
    help="MR fingerprinting: from a pulse sequence to trusted quantitative maps.",
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # told below, in our words
)
sequence_app = App(name="sequence", help="Look at sequences and convert them.")
app.command(sequence_app)


def _whole_number(type_: Any, tokens: Any) -> int:  # noqa: ARG001
    """An integer as it is written; the parser's own conversion would round 1.5."""
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"{tokens[0].value!r} must be a whole number") from None


Whole = Annotated[int, Parameter(converter=_whole_number)]
Flag = Annotated[bool, Parameter(negative=())]
Paths = Annotated[tuple[Path, ...], Parameter(negative=(), show_default=False)]
Bounds = Annotated[tuple[float, float], Parameter(negative=())]


def run(arguments: list[str] | None = None) -> None:
    """Run a command; exit status 0 done, 2 wrong input, 1 a defect of ours."""
    speak_plainly()
    try:
        _refuse_nul(sys.argv[1:] if arguments is None else arguments)
        app(arguments, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except InputError as error:
        _fail(str(error))
    except CycloptsError as error:
        _fail(_misuse(error))
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python would complain again when it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, MemoryError, RuntimeError) as error:
        message = _of_the_system(error)
        if message is None:
            raise
        _fail(message)


def _refuse_nul(arguments: list[str]) -> None:
    """Refuse what only a program can hand over, and no name of a file can hold."""
    for argument in arguments:
        if "\0" in argument:
            raise InputError(f"the argument {argument!r} holds NUL: no name does")


def _of_the_system(error: Exception) -> str | None:
    """What the system has refused, wherever it was asked; None if it is something else."""
    if isinstance(error, OSError):
        if error.filename is None:
            return None
        return (
            f"{error.filename}: cannot be used ({error.strerror}): check its name and permissions"
        )
    reason = str(error)  # torch has no type of its own for a lack of memory
    if not isinstance(error, MemoryError) and "not enough memory" not in reason:
        return None
    free = free_memory()
    details = [" ".join(reason.split())[:200], f"{in_words(free)} are free" if free else ""]
    told = "; ".join(one for one in details if one)
    return f"there is not enough memory ({told}): give a part of the data, or free some"


def _misuse(error: CycloptsError) -> str:
    """What was wrong with the command itself, and where the right form stands."""
    if isinstance(error, UnusedCliTokensError):
        message = f"unexpected {' '.join(error.unused_tokens or ())!r}"
    elif isinstance(error, MissingArgumentError) and error.argument:
        message = f"{error.keyword or error.argument.name} needs a value"
    else:
        message = str(error).rstrip(".")
    command = " ".join(("spinprint", *(error.command_chain or ())))
    return f"{message} (see {command} --help)"


def _fail(message: str) -> None:
    line = " ".join(message.split())
    print(f"spinprint: {line}", file=sys.stderr)
    sys.exit(2)
