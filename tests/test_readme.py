"""The README: its sequence file reads, and its tables list what there is."""

import re
from pathlib import Path

import pytest

from spinprint import load_sequence, presets
from spinprint.sequence import BLOCK_TYPES, parse_sequence
from spinprint.sequence.fields import quantities

README = (Path(__file__).parents[1] / "README.md").read_text()
NAMES = {"t1": "T1", "t2": "T2", "t1rho": "T1rho", "adc": "ADC"}


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table with this first heading, by their first cell."""
    table = README.split(f"| {heading} |")[1].split("\n\n")[0]
    lines = [line.strip("|").split("|") for line in table.split("\n")[2:]]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_the_example_sequence_reads() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    assert parse_sequence(example).n_samples == 3


def test_the_block_table_lists_every_block_with_its_keys() -> None:
    table = rows("block")
    assert list(table) == list(BLOCK_TYPES)
    for name, block_type in BLOCK_TYPES.items():
        keys = [quantity.key for quantity in quantities(block_type).values()]
        assert re.findall(r"`(\w+)`", table[name][0]) == keys


def test_the_preset_table_lists_every_preset() -> None:
    assert list(rows("preset")) == list(presets.PRESETS)


@pytest.mark.parametrize("name", presets.PRESETS)
def test_the_preset_table_has_the_unknowns(name: str) -> None:
    unknowns = [NAMES[unknown] for unknown in load_sequence(name).unknowns]
    assert rows("preset")[name][0] == ", ".join(unknowns)
