"""The command line: parse, one library call, print a path."""

from . import learning, looking, making, measuring  # noqa: F401, each lists its commands
from .app import main

__all__ = ["main"]
