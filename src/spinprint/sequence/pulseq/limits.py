"""What a Pulseq file may hold: sizes before anything is allocated, and arrays that fit."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...errors import SequenceError

LONGEST = 10_000_000
"""Samples of one shape, pulse or ADC: ten seconds in steps of a microsecond."""

_STATED = re.compile(r"^[ \t]*num_samples[ \t]+(\S+)", re.MULTILINE)


def check_shapes(text: str) -> None:
    """Refuse shapes that a few lines of the file unpack to more than memory holds.

    Raises
    ------
    SequenceError
        A shape has an impossible number of samples.
    """
    for stated in _STATED.findall(text):
        if not (stated.isascii() and stated.isdigit()):
            raise SequenceError(f"a shape of {stated[:20]} samples: their number must be whole")
        check_length("a shape", float(stated))


def check_length(what: str, count: float) -> None:
    """Refuse a number of samples that nobody plays.

    Raises
    ------
    SequenceError
        It is less than 1 or more than `LONGEST`, or not finite.
    """
    if not 1 <= count <= LONGEST:
        raise SequenceError(f"{what} has {count:.10g} samples: 1 to {LONGEST} can be read")


def check_rasters(file: Any) -> None:
    """Refuse rasters that are no positive numbers.

    Raises
    ------
    SequenceError
        The message names the definition.
    """
    rasters = {
        "GradientRasterTime": file.grad_raster_time,
        "RadiofrequencyRasterTime": file.rf_raster_time,
        "AdcRasterTime": file.adc_raster_time,
        "BlockDurationRaster": file.block_duration_raster,
    }
    for name, value in rasters.items():
        if not isinstance(value, float) or not 0 < value < np.inf:
            raise SequenceError(f"definition {name} = {value} must be a positive number [s]")


def check_block(number: int, block: SimpleNamespace, duration: float, raster: float) -> None:
    """Refuse events whose times and values are not finite or not equally many.

    Parameters
    ----------
    number
        Of the block in the file.
    block
        As pypulseq reads it.
    duration, raster
        Of the block, and of the steps of a pulse [s].

    Raises
    ------
    SequenceError
        The message names the block, the event and the rule.
    """
    _require_finite(f"block {number}: its duration", duration)
    if block.rf is not None:
        what = f"block {number}: the pulse"
        _check_points(what, block.rf, block.rf.t, block.rf.signal)
        _require_finite(what, block.rf.shape_dur)
        check_length(what, max(1, block.rf.shape_dur / raster))
    for axis in ("gx", "gy", "gz"):
        gradient = getattr(block, axis)
        what = f"block {number}: the gradient {axis}"
        if gradient is not None and gradient.type == "trap":
            _check_numbers(what, gradient)
        elif gradient is not None:
            _check_points(what, gradient, gradient.tt, gradient.waveform)
    if block.adc is not None:
        what = f"block {number}: the ADC"
        _check_numbers(what, block.adc)
        check_length(what, block.adc.num_samples)


def _check_points(what: str, event: SimpleNamespace, times: Any, values: Any) -> None:
    _check_numbers(what, event)
    if np.shape(times) != np.shape(values) or np.ndim(times) != 1 or not np.size(times):
        raise SequenceError(
            f"{what} has {np.size(values)} values at {np.size(times)} times: its shapes must be"
            " equally long"
        )
    _require_finite(what, times)
    _require_finite(what, values)
    if (np.diff(times) < 0).any():
        raise SequenceError(f"{what} goes back in time: its time shape must ascend")


def _check_numbers(what: str, event: SimpleNamespace) -> None:
    """Of an event, all that is one number."""
    for value in vars(event).values():
        if isinstance(value, float | np.floating):
            _require_finite(what, value)


def _require_finite(what: str, values: Any) -> None:
    if not np.isfinite(values).all():
        raise SequenceError(f"{what} holds a value that is not finite")
