"""The whole pipeline on a synthetic knee, from sequence to report."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..evaluation import Reference, Role, compare_maps, cramer_rao
from ..files import check_output_file, claim, staging
from ..io import check_derivative, earlier_maps, run_name
from ..maps import Status
from ..sequence.presets import knee_t1_t2_t1rho
from .mapping import map_series
from .simulation import (
    RUN,
    SNR_CONVENTION,
    check_simulation,
    earlier_simulation,
    simulate_phantom,
    write_simulation,
)
from .stages import StageDisplay, silent

SNR_DB = 30.0
N_BOOTSTRAP = 100
_SIMULATED, _MAPS, _REPORT = "simulated", "maps", "report.html"
MATRIX, SLICES = 96, 3  # few enough for a demo of seconds, enough to look through


def run_demo(out: Path, *, seed: int = 0, stage: StageDisplay = silent) -> Path:
    """Simulate a knee, map it, compare with the truth and write a report.

    Writes `out/simulated` (series, sequence, labels, truth), `out/maps` (a BIDS derivative) and
    `out/report.html`: all, or nothing.

    Returns
    -------
    The path of the report.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    check_simulation(out / _SIMULATED)
    check_derivative(out / _MAPS)
    check_output_file(out / _REPORT)
    with (
        claim(out / _SIMULATED, RUN),
        claim(out / _MAPS, run_name("01")),
        staging(out, run="demo", earlier=lambda: _earlier(out)) as folder,
    ):
        _write(folder, out, seed, stage)
    return out / _REPORT


def _earlier(out: Path) -> list[Path]:
    """What an earlier demo wrote."""
    return [*earlier_simulation(out / _SIMULATED), *earlier_maps(out / _MAPS), out / _REPORT]


def _write(folder: Path, out: Path, seed: int, stage: StageDisplay) -> None:
    """Write all that is to go to `out` into a folder."""
    from ..report import (
        draw_comparison,
        evaluation_page,
        fingerprint_section,
        limits_section,
        pick_fingerprints,
        sequence_section,
        write_page,
    )

    sequence = knee_t1_t2_t1rho()
    simulation = simulate_phantom(
        sequence, "knee", snr_db=SNR_DB, seed=seed, matrix=MATRIX, slices=SLICES,
        partial_volume=False, stage=stage,
    )  # fmt: skip
    with stage("Writing the simulated series"):
        series_path = write_simulation(simulation, sequence, folder / _SIMULATED)[0]
    result = map_series(series_path, sequence, folder / _MAPS, stage=stage)
    phantom, maps, dictionary = simulation.phantom, result.maps, result.dictionary
    assert dictionary is not None  # matching needs one
    with stage("Comparing with the truth and the Cramér-Rao bound"):
        inside = phantom.labels > 0
        least = cramer_rao(sequence, phantom.tissue.take(inside), simulation.sigma).sd
        bound = {name: np.full(phantom.labels.shape, np.nan) for name in least}
        for name, sd in least.items():
            bound[name][inside] = sd
        truth = Reference(
            role=Role.TRUTH, name=phantom.name, values=phantom.truth(sequence.unknowns)
        )
        comparison = compare_maps(
            maps, truth, phantom.labels, phantom.names, bound=bound, n_bootstrap=N_BOOTSTRAP,
            seed=seed,
        )  # fmt: skip
    with stage("Writing the report"):
        fingerprints = pick_fingerprints(
            simulation.series, maps, sequence, labels=phantom.labels, names=phantom.names
        )
        noise = np.nanmedian(maps.sigma[maps.status != Status.OUTSIDE])
        page = evaluation_page(
            comparison,
            draw_comparison(comparison),
            title="spinprint demo: T1, T2 and T1rho of a synthetic knee",
            subtitle=(
                f"A synthetic knee was imaged with {sequence.name}"
                f" ({sequence.n_samples} samples in {sequence.duration:.1f} s)"
                f" at a signal-to-noise ratio of {simulation.snr_db:.0f} dB"
                f" ({SNR_CONVENTION} over time, median over tissue), mapped by dictionary"
                " matching with refinement between the atoms, and compared with the truth."
            ),
            bound="The Cramér-Rao bound holds for the true tissue and the noise that was added.",
            sections=[
                fingerprint_section(fingerprints),
                sequence_section(sequence, dictionary.singular_values, dictionary.rank),
            ],
            closing=[limits_section(simulated=True)],
            provenance={
                "sequence": sequence.name,
                "sequence digest": f"SHA-256 {sequence.digest}",
                "field strength": f"{sequence.field_strength:g} T",
                "matrix": " × ".join(str(length) for length in maps.shape) + " voxels",
                "noise per channel, median": f"{noise:.3g} [unit of the series]",
                **maps.provenance,
                "command": f"spinprint demo --out {out} --seed {seed}",
                "phantom": phantom.name,
                "seed": seed,
                "sigma per channel, relative to M0 = 1": f"{simulation.sigma:.4g}",
                "series": str(out / series_path.relative_to(folder)),
            },
        )
        write_page(page, folder / _REPORT)
