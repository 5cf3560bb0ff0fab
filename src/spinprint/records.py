"""Values as records hold them: only the types that JSON has."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def plain(value: Any, *, as_text: bool = False) -> Any:
    """The value in types that JSON has: dataclasses and arrays taken apart.

    Parameters
    ----------
    value
        What is to be recorded.
    as_text
        Whether NaN, infinity and objects of other types are written as text; otherwise NaN and
        infinity become None and other objects are refused.

    Raises
    ------
    TypeError
        JSON has no such type.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item, as_text=as_text) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, as_text=as_text) for item in value]
    is_number = isinstance(value, float)
    if value is None or isinstance(value, (str, int)) or (is_number and math.isfinite(value)):
        return value
    if as_text:
        return str(value)
    if is_number:
        return None
    raise TypeError(f"a record cannot keep a {type(value).__name__}")
