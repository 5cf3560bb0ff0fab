"""The error family: what a caller can catch."""

import inspect

import pytest

from spinprint import InputError, SpinprintError, errors

FAMILY = [error for _, error in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("error", FAMILY)
def test_every_error_is_of_the_family_and_drawn_in_its_tree(error: type[Exception]) -> None:
    assert issubclass(error, SpinprintError)
    assert errors.__doc__ is not None
    assert error.__name__ in errors.__doc__


@pytest.mark.parametrize("error", [e for e in FAMILY if e not in (SpinprintError, InputError)])
def test_what_a_user_can_cause_is_an_input_error(error: type[Exception]) -> None:
    """The command line exits with status 2 on these; Python users may catch ValueError."""
    assert issubclass(error, InputError)
    assert issubclass(error, ValueError)
