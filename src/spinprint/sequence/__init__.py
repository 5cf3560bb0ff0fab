"""What the scanner plays: blocks, sequences, presets, and their files."""

from . import presets
from .blocks import (
    BLOCK_TYPES,
    Block,
    Crusher,
    Delay,
    DiffusionPreparation,
    Inversion,
    ReadoutTrain,
    SpinLock,
    T2Preparation,
)
from .sequence import FORMAT, Sequence
from .slice_profile import GivenProfile, SliceProfile, SLRProfile, SmallTipProfile
from .toml import format_sequence, load_sequence, parse_sequence, sequence_from_dict

__all__ = [
    "BLOCK_TYPES",
    "FORMAT",
    "Block",
    "Crusher",
    "Delay",
    "DiffusionPreparation",
    "GivenProfile",
    "Inversion",
    "ReadoutTrain",
    "SLRProfile",
    "Sequence",
    "SliceProfile",
    "SmallTipProfile",
    "SpinLock",
    "T2Preparation",
    "format_sequence",
    "load_sequence",
    "parse_sequence",
    "presets",
    "sequence_from_dict",
]
