"""A sequence in any form in, a sequence file out."""

from __future__ import annotations

from pathlib import Path

from ..files import check_output_file, replacing
from ..sequence import format_sequence, load_sequence


def convert_sequence(source: Path, out: Path) -> Path:
    """Write a Pulseq file, a sequence file or a preset as TOML.

    Raises
    ------
    SequenceError
        The source cannot be expressed or breaks a rule.
    OutputError
        The file cannot be written.
    """
    check_output_file(out)
    if source.suffix == ".seq":
        from ..sequence.pulseq import read_pulseq

        sequence = read_pulseq(source)
    else:
        sequence = load_sequence(source)
    with replacing(out) as temporary:
        temporary.write_text(format_sequence(sequence), encoding="utf-8")
    return out
