"""The command line: parse, one library call, print a path."""

from .app import main

__all__ = ["main"]
