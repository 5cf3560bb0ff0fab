"""Records hold the types of JSON alone, whatever is put into them."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from spinprint.records import plain


@dataclass(frozen=True)
class Sizes:
    n: int


def test_only_plain_values_are_kept() -> None:
    assert plain({"a": (np.int64(1), np.inf), 2: Sizes(3)}) == {"a": [1, None], "2": {"n": 3}}
    with pytest.raises(TypeError, match="cannot keep a set"):
        plain({"a": {1}})


def test_what_json_lacks_can_be_written_as_text() -> None:
    held = {"nan": math.nan, "path": Path("a"), "array": np.array([[1.5, -np.inf]]), "yes": True}
    record = plain(held, as_text=True)
    assert record == {"nan": "nan", "path": "a", "array": [[1.5, "-inf"]], "yes": True}
    assert json.loads(json.dumps(record, allow_nan=False)) == record
