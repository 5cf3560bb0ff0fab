from pathlib import Path

import pytest

import spinprint as sp
from spinprint.workflows.dictionary import build_dictionary

HEAD = (
    'format = "spinprint-grid/1"\nt1_ms = { values = [500, 900] }\nt2_ms = { values = [40, 60] }\n'
)


def build(sequence: sp.Sequence, folder: Path, more: str = "") -> sp.Dictionary:
    (folder / "g.toml").write_text(HEAD + more)
    return sp.Dictionary.load(build_dictionary(sequence, folder / "d.h5", folder / "g.toml"))


def test_a_grid_file_says_which_atoms(short: sp.Sequence, tmp_path: Path) -> None:
    assert build(short, tmp_path).n_atoms == 4
    assert build(short, tmp_path, "b1 = { values = [0.9, 1, 1.1] }").n_atoms == 12


def test_a_grid_has_the_axes_that_the_sequence_encodes(short: sp.Sequence, tmp_path: Path) -> None:
    with pytest.raises(sp.TissueError, match=r"g.toml: has an axis t1rho, of which 'short'"):
        build(short, tmp_path, "t1rho_ms = { values = [50] }")
    with pytest.raises(sp.TissueError, match=r"g.toml: has no axis adc: 'diffusion_fisp' encodes"):
        build(sp.presets.diffusion_fisp(), tmp_path)
    assert not (tmp_path / "d.h5").exists()


def test_energy_and_rank_choose_the_basis(short: sp.Sequence, tmp_path: Path) -> None:
    ranks = [
        sp.Dictionary.load(build_dictionary(short, tmp_path / "d.h5", **choice)).rank
        for choice in ({"rank": 3}, {"energy": 0.9}, {})
    ]
    assert ranks[0] == 3
    assert ranks[1] < ranks[2]
