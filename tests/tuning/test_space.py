"""What may be chosen: from a file to settings."""

from typing import Any

import optuna
import pytest

from spinprint.errors import ModelError
from spinprint.tuning.space import Space, identity


def drawn(space: Space, n: int = 200) -> list[dict[str, Any]]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [space.suggest(study.ask()) for _ in range(n)]


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_values_come_from_their_ranges() -> None:
    space = Space.parse(
        {
            "a.whole": {"low": 2, "high": 9, "step": 3},
            "a.log": {"low": 1e-3, "high": 10.0, "log": True},
            "a.even": {"low": 0, "high": 1.0, "step": 0.4},
            "a.choice": {"choices": [2, "x", True, [5, 45]]},
        }
    )
    found = drawn(space)
    assert {one["a.whole"] for one in found} == {2, 5, 8}
    logs = [one["a.log"] for one in found]
    assert 1e-3 <= min(logs) < 1e-2
    assert sorted(logs)[100] == pytest.approx(0.1, rel=0.7)
    assert {round(float(one["a.even"]), 9) for one in found} == {0.0, 0.4, 0.8}
    assert {one["a.choice"] for one in found} == {2, "x", True, "[5, 45]"}
    settings = space.settings({"a.choice": "[5, 45]"})
    assert settings == {"a.choice": [5, 45]}


def test_dotted_keys_may_be_bare() -> None:
    nested = {"network": {"core": {"width": {"choices": [1, 2]}}}, "rank": {"low": 1, "high": 2}}
    assert list(Space.parse(nested).parameters) == ["network.core.width", "rank"]


def test_a_choice_may_set_several_keys_and_be_a_condition() -> None:
    space = Space.parse(
        {
            "layers": {"low": 1, "high": 2, "when": {"kind": ["b", "c"]}},
            "kind": {"sets": {"a": {"x": 1}, "b": {"x.y": 2, "x": {"z": 0}}, "c": {"x": 3}}},
        }
    )
    for one in drawn(space, 50):
        assert ("layers" in one) == (one["kind"] != "a")
    assert list(space.settings({"kind": "b"})) == ["x", "x.y"], "the whole before its part"
    assert len(space.combinations() or []) == 1 + 2 * 2
    assert {tuple(chosen) for _, _, chosen in space.probes()} == {("kind",), ("kind", "layers")}


def test_equal_choices_are_known_as_such() -> None:
    assert identity({"a": 0.1 + 0.2, "b": 1}) == identity({"b": 1, "a": 0.3})
    assert identity({"a": 1}) != identity({"a": 2})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "the space is empty"),
        ({"a": 3}, r"a: must be a table like"),
        ({"a": {}}, r"a: give choices; sets; or low and high"),
        ({"a": {"low": 3}}, r"a: give choices; sets; or low and high"),
        ({"a": {"choices": []}}, r"a: there is no choice"),
        ({"a": {"choices": [2, 2]}}, r"a: a choice is given twice"),
        ({"a": {"choices": [1, True]}}, r"a: a choice is given twice"),
        ({"a": {"choices": [1], "log": True}}, r"a: low, high, log and step are of ranges"),
        ({"a": {"choices": [1], "lo": 2}}, r"a: lo: unknown key"),
        ({"a": {"low": 3, "high": 3}}, r"a: low 3 must be below high 3"),
        ({"a": {"low": 0.0, "high": 3.0, "log": True}}, r"a: low 0.0 must be positive"),
        ({"a": {"low": 1, "high": 3, "step": 5}}, r"a: step 5 must be positive and fit"),
        ({"a": {"low": 1, "high": 3, "step": 0.5}}, r"a: step 0.5 must be whole"),
        ({"a": {"low": 1, "high": 3, "step": 1, "log": True}}, r"a: log and step do not go"),
        ({"a": {"choices": [1], "when": {"b": 1}}}, r"a: when: 'b' must be one of"),
        (
            {"a": {"choices": [1], "when": {"b": 3}}, "b": {"choices": [1, 2]}},
            r"a: when: b = 3 must be 1, 2",
        ),
        (
            {
                "a": {"choices": [1], "when": {"b": 1}},
                "b": {"choices": [1], "when": {"a": 1}},
            },
            r"a, b: when: these depend on each other in a circle",
        ),
    ],
)
def test_impossible_spaces_are_refused_in_one_line(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        Space.parse(data)
    assert "\n" not in str(caught.value)
