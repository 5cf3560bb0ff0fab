"""A search as data: TOML in the format `spinprint-tune/1`.

::

    format = "spinprint-tune/1"
    trials = 40
    steps = 1000                                # of each training, however long the best will be

    base = "train.toml"                         # or a table; what is not searched stays as it is

    [space]                                     # keys of a training file
    "network.core.width" = { choices = [64, 128, 256] }
    "network.core.rank" = { low = 4, high = 20 }
    "stage.learning_rate" = { low = 1e-3, high = 0.1, log = true }
    "stage.snr_db" = { choices = { wide = [0, 60], narrow = [15, 35] } }
    architecture = { sets = { deep = { "network.core.blocks" = 8 }, flat = { "network.core.blocks" = 1 } } }

    [matching.space]                            # keys of a grid file under grid., rank, refine
    "grid.t1_ms.factor" = { choices = [1.05, 1.1, 1.2] }
    rank = { low = 4, high = 20, step = 4 }
    refine = { choices = [true, false] }

A key `stage.KEY` is that of all stages, `stage.NAME.KEY` that of one; without a space a default one
is searched. `when = { architecture = "deep" }` ties a parameter to the choice of another.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from ..errors import ModelError
from ..settings import Strict, first_problem, load_toml
from ..training.config import TrainConfig, load_config, parse_config


class MatchingBase(Strict):
    """What matching does where nothing is searched."""

    grid: dict[str, Any] | None = None
    """Axes as a grid file has them; None spans the range of the prior."""
    rank: int | None = Field(default=None, ge=1)
    """Basis vectors; None decides by the energy."""
    energy: float = Field(default=1 - 1e-5, gt=0, lt=1)
    """Part of the signals' energy the basis keeps where no rank is given."""
    refine: bool = True
    """Whether tissue between the atoms is found."""


class MatchingTuning(Strict):
    """The search for a dictionary."""

    base: MatchingBase = MatchingBase()
    """What is not searched."""
    space: dict[str, Any] | None = None
    """What is searched, by keys of `MatchingBase`; None takes the default."""
    most_atoms: int = Field(default=300_000, ge=1)
    """Grids of more atoms are not built."""


MOST_TRIALS = 10**6
"""More would not be done in a lifetime."""


class TuneConfig(Strict):
    """All that decides what a search tries, but for the sequence.

    Raises
    ------
    pydantic.ValidationError
        A setting is unknown or impossible; `load_tuning` says so in one line.
    """

    format: Literal["spinprint-tune/1"] = "spinprint-tune/1"
    seed: int = Field(default=0, ge=0, lt=1 << 32)
    """Of what is proposed; tissue and noise have that of the base."""
    trials: int = Field(default=40, ge=1, le=MOST_TRIALS)
    """Settings tried in all."""
    steps: int | None = Field(default=1000, ge=1)
    """Steps of a trial's training, shared by its stages as those of the base; None takes these."""
    measurements: int = Field(default=8, ge=1)
    """How often a training is measured, and may be given up."""
    pruner: Literal["median", "hyperband", "none"] = "median"
    """When it is: worse than the median of earlier ones at that step; by successive halving (Li et
    al., J Mach Learn Res 2018;18:185); never."""
    base: TrainConfig = TrainConfig()
    """The training that is varied; its prior and its validation are those of every trial."""
    space: dict[str, Any] | None = None
    """What is searched, by keys of a training file; None takes the default."""
    matching: MatchingTuning = MatchingTuning()
    """The search for a dictionary, measured on the same tissue and noise."""


def load_tuning(path: str | Path) -> TuneConfig:
    """Read a tuning file.

    Raises
    ------
    InputError
        The file, or the training file it names, cannot be read or breaks a rule; the message
        names the file, key and rule.
    """
    folder = Path(path).parent
    return load_toml(path, "tuning", lambda data: parse_tuning(data, folder), ModelError)


def parse_tuning(data: Mapping[str, Any], folder: Path | None = None) -> TuneConfig:
    """A search from plain values, as TOML and JSON hold them.

    Parameters
    ----------
    data
        The values.
    folder
        Where a training file named by `base` lies.

    Raises
    ------
    ModelError
        A setting is unknown or impossible.
    """
    base = data.get("base", {})
    if isinstance(base, str):
        training = load_config((folder or Path()) / base)
    else:
        try:
            training = parse_config(base)
        except ModelError as error:
            raise ModelError(f"base: {error}") from None
    try:
        return TuneConfig.model_validate({**data, "base": training})
    except ValidationError as error:
        raise ModelError(first_problem(error)) from None
