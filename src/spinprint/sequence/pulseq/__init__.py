"""Pulseq files: the waveforms of a scanner turned back into blocks.

`reader` asks pypulseq for the events, `timeline` puts them on one axis of time, `recognise`
finds out what they do.
"""

from .reader import read_pulseq

__all__ = ["read_pulseq"]
