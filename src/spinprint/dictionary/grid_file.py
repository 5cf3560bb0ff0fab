"""Grid files: TOML in the format `spinprint-grid/1`.

::

    format = "spinprint-grid/1"
    t1_ms = { start = 50, stop = 6000, factor = 1.05 }       # geometric
    t2_ms = { start = 4, stop = 3000, factor = 1.05 }
    b1 = { start = 0.8, stop = 1.2, step = 0.05 }            # linear
    adc_mm2_per_s = { values = [0.0, 0.7e-3, 1.0e-3, 3.0e-3] }
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, create_model, model_validator

from ..errors import TissueError
from ..parameters import PARAMETERS, PHYSICAL, REQUIRED, Parameter
from ..settings import load_toml
from ..tissue import Axis, ParameterGrid

FORMAT = "spinprint-grid/1"


class _AxisTable(BaseModel):
    """One axis as it stands in a file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    start: float | None = None
    stop: float | None = None
    factor: float | None = None
    step: float | None = None
    values: list[float] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> _AxisTable:
        # JSON, which some grids go through, writes a number that is not finite as null.
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        if given not in ({"start", "stop", "factor"}, {"start", "stop", "step"}, {"values"}):
            raise ValueError("an axis has start, stop and factor; start, stop and step; or values")
        return self

    def axis(self) -> Axis:
        """The values in the unit of the file."""
        if self.values is not None:
            return Axis(tuple(self.values))
        assert self.start is not None  # the validator has seen to it
        assert self.stop is not None
        if self.factor is not None:
            return Axis.geometric(self.start, self.stop, self.factor)
        assert self.step is not None
        return Axis.linear(self.start, self.stop, self.step)


class _Head(BaseModel):
    """The first key of a grid file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    format: Literal["spinprint-grid/1"]


_axes: dict[str, Any] = {
    parameter.key: (_AxisTable, ...) if name in REQUIRED else (_AxisTable | None, None)
    for name, parameter in PARAMETERS.items()
}
_GridTable = create_model("_GridTable", __base__=_Head, **_axes, physical=(bool, True))
"""A grid file; `physical` keeps only T2 <= T1rho <= T1."""


def load_grid(path: str | Path) -> ParameterGrid:
    """Read a grid file.

    Raises
    ------
    TissueError
        The file cannot be read or breaks a rule; the message names the file, key and rule.
    """
    return load_toml(path, "grid", parse_grid, TissueError)


def parse_grid(data: Mapping[str, Any]) -> ParameterGrid:
    """A grid from plain values, as a grid file holds them.

    Raises
    ------
    TissueError
        A rule is broken; the message names the key and the rule.
    """
    try:
        table = _GridTable.model_validate(data)
    except ValidationError as error:
        raise TissueError(_first(error)) from None
    axes = {
        name: _axis(parameter, entry)
        for name, parameter in PARAMETERS.items()
        if (entry := getattr(table, parameter.key)) is not None
    }
    return ParameterGrid(axes, PHYSICAL if data.get("physical", True) else ())


def _axis(parameter: Parameter, table: _AxisTable) -> Axis:
    try:
        return Axis(tuple(value * parameter.key_unit for value in table.axis()))
    except TissueError as error:
        raise TissueError(f"{parameter.key}: {error}") from None


def _first(error: ValidationError) -> str:
    """Where the first rule is broken, and the rule."""
    first = error.errors()[0]
    keys = ", ".join(_AxisTable.model_fields if len(first["loc"]) > 1 else _GridTable.model_fields)
    rules = {
        "missing": "the key is missing",
        "extra_forbidden": f"unknown key; the keys are {keys}",
        "model_type": "must be a table like { start = 50, stop = 6000, factor = 1.05 }",
    }
    place = ".".join(str(part) for part in first["loc"])
    rule = rules.get(first["type"], first["msg"].removeprefix("Value error, "))
    return f"{place}: {rule}"
