"""What the maps of an evaluation could have been at best: the Cramér-Rao bound, the Bayes risk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, SequenceError, TissueError
from ..evaluation.bayes_risk import DRAWS
from ..evaluation.comparison import Role
from ..evaluation.erosion import pure_labels
from ..evaluation.map_bound import map_bound
from ..evaluation.map_risk import MapRisk, map_risk
from ..prior import Prior
from ..sequence import Sequence
from .evaluation_input import EvaluationInput
from .stages import StageDisplay

Tell = Callable[[str], object]

_FIELD_NAMES = {"b1": "B1", "b0": "B0"}


def find_bound(given: EvaluationInput) -> tuple[dict[str, NDArray[np.float64]], str]:
    """The Cramér-Rao deviation of the errors, and what it was taken for or why there is none."""
    sequence, role = given.sequence, given.reference.role
    if role is Role.ESTIMATE:
        return {}, (
            "Both maps were made from the same noise, so that no bound applies to their difference."
        )
    if sequence is None:
        return {}, (
            "The Cramér-Rao bound is not known: the sequence of the maps was not found; --sequence"
            " gives it."
        )
    if not np.isfinite(given.maps.sigma).any():
        return {}, "The Cramér-Rao bound is not known: the maps do not state their noise."
    where = True if given.labels is None else given.labels != 0
    try:
        if role is Role.TRUTH:
            bound = map_bound(given.maps, sequence, given.reference.values, where, given.fields)
        else:
            assert given.other is not None
            first, second = (
                map_bound(one, sequence, where=where, fields=given.fields)
                for one in (given.maps, given.other)
            )
            bound = {name: np.hypot(first[name], second[name]) for name in first if name in second}
    except InputError as error:
        return {}, f"The Cramér-Rao bound is not known: {error}."
    of = "of the difference of two estimates " if role is Role.REPEAT else ""
    return bound, (
        f"The Cramér-Rao bound {of}holds for {sequence.name}, the noise that the maps state, and"
        f" {_fields_said(given)}."
    )


def _fields_said(given: EvaluationInput) -> str:
    """What B1 and B0 were taken for."""
    known = [label for name, label in _FIELD_NAMES.items() if name in given.fields]
    mapped = [label for name, label in _FIELD_NAMES.items() if name in given.maps]
    nominal = [one for one in _FIELD_NAMES.values() if one not in (*known, *mapped)]
    parts = [
        f"{' and '.join(names)} {said}"
        for names, said in ((known, "as given"), (mapped, "as mapped"), (nominal, "nominal"))
        if names
    ]
    return ", ".join(parts)


def choose_prior(given: EvaluationInput, path: Path | None) -> tuple[Prior, str, Sequence]:
    """Which prior the Bayes risk is of, where it comes from in words, and the sequence.

    That of a training file if one is given, else the one the maps were made with, else all tissue.

    Raises
    ------
    InputError
        The sequence of the maps is not known, or the prior cannot be read.
    """
    if given.sequence is None:
        raise SequenceError(
            "the Bayes risk needs the sequence of the maps, which was not found: give --sequence"
        )
    if path is not None:
        from ..training.config import load_config  # with pydantic, which nothing else here needs

        law = load_config(path).stated_prior()
        if law is None:
            raise TissueError(f"{path}: states no [prior], which is what --prior is to give")
        return law, f"stated in {path}", given.sequence
    if "prior" in given.maps.provenance:
        stated = Prior.from_dict(given.maps.provenance["prior"])
        return stated, "that the maps were made with", given.sequence
    return Prior.default(given.sequence), "of all tissue, as the maps state none", given.sequence


def find_risk(
    given: EvaluationInput, path: Path | None, seed: int, stage: StageDisplay, tell: Tell
) -> tuple[MapRisk, str]:
    """The Bayes risk at the ratio of the maps, and which prior it is of in words.

    Raises
    ------
    InputError
        As for `choose_prior` and `map_risk`.
    """
    prior, source, sequence = choose_prior(given, path)
    labels = given.labels
    if labels is not None and given.purity is not None:
        labels = pure_labels(labels, given.purity)
    truth = given.reference.values if given.reference.role is Role.TRUTH else None
    tell(
        f"The Bayes risk is computed from {DRAWS} draws of the prior {source}: about half a"
        " minute on two idle cores."
    )
    with stage("Computing the Bayes risk") as progress:
        risk = map_risk(
            given.maps, sequence, prior, truth, True if labels is None else labels != 0,
            given.fields, seed=seed, progress=progress,
        )  # fmt: skip
    return risk, f"the prior {source}"
