"""Experiments of papers, one command each: what a paper claims beside what is measured.

A study is a folder of this package, listed in `STUDIES`, whose `__init__` holds a `STUDY`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import InputError
from .study import Study

STUDIES = ("finkelstein2022", "zhang2025")
"""The studies by name."""


def find_study(name: str) -> Study[Any]:
    """A study by its name.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if name not in STUDIES:
        raise InputError(f"study {name!r} must be one of {', '.join(STUDIES)}")
    study = import_module(f".{name}", __name__).STUDY
    assert isinstance(study, Study)  # a module of this package
    return study
