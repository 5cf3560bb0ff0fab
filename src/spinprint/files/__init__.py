"""Output that is there whole or not at all, written by one process at a time.

A file is written beside its place and renamed. The files of a folder are written into a hidden
folder in it; one rename decides that they all count, and whoever comes next completes what a kill
cut short. Locks end with the process that holds them.
"""

from .claims import claim
from .folders import check_replaceable, staging
from .places import check_output_file, check_output_folder, destination, output_errors, short
from .reading import read_whole, settle
from .single import replacing

__all__ = [
    "check_output_file",
    "check_output_folder",
    "check_replaceable",
    "claim",
    "destination",
    "output_errors",
    "read_whole",
    "replacing",
    "settle",
    "short",
    "staging",
]
