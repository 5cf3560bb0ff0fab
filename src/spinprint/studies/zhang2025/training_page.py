"""The page of the study: training choices, dictionaries, singular vectors and rank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...report import (
    Column,
    Gallery,
    Picture,
    Section,
    Table,
    Text,
)
from ...report.quantities import DISPLAY, listed
from .setting import (
    PARAMETERS,
    SEQUENCE,
    WATCHED_DB,
)
from .sizes import Sizes

Found = Mapping[str, Any]


def choices_section(found: Found, sizes: Sizes) -> Section:
    """Trainings that differ from the default in one choice."""
    risk = found["Bayes risk"]["scaled MSE"]
    choices, search = found["training choices"], found["network search"]
    rows = sorted(choices["trials"], key=lambda row: row["error"] or np.inf)
    repeats = choices["repeats of the default"]
    return Section(
        "Training choices",
        [
            Table(
                caption=(
                    "Trainings that differ from the default in one choice, best first:"
                    f" {sizes.choice_steps} steps each. Squared error of scaled parameters over"
                    " that of the posterior mean on the same signals."
                ),
                columns=[Column("choice", is_text=True), "all ratios, of the default",
                         *(Column(f"{snr:g} dB") for snr in WATCHED_DB)],
                rows=[
                    [row["choice"], row["error"] / _default(choices), *_over_risk(row, risk)]
                    for row in rows
                    if row["error"] is not None
                ],
                notes=(
                    "The default with other seeds: "
                    + ", ".join(f"{error / _default(choices):.2f}" for error in repeats)
                    + " of it. All ratios: geometric mean over parameters and ratios."
                ),
            ),
            Text(
                f"The network compared below was trained for {sizes.steps} steps with the best of"
                f" these and of {len(search['trials'])} further trainings that vary several choices"
                f" at once: {_said(search['chosen'])}. Short trainings favour"
                " what learns fast, so the default is kept unless it is beaten by more than seeds"
                " differ."
            ),
        ],
    )  # fmt: skip


def _default(choices: Found) -> float:
    (row,) = (one for one in choices["trials"] if one["choice"] == "default")
    return float(row["error"])


def _over_risk(row: Found, risk: Mapping[str, float]) -> list[float | None]:
    return [_ratio(row.get(f"scaled MSE at {snr} dB"), risk[snr]) for snr in risk]


def _ratio(a: float | None, b: float) -> float | None:
    return None if a is None else a / b


def _said(chosen: Mapping[str, Any]) -> str:
    return listed([f"{key.removeprefix('network.')} {value}" for key, value in chosen.items()])


def dictionaries_section(found: Found) -> Section:
    """All dictionaries of the search."""
    from ...report.figures import pareto_figure

    risk = found["Bayes risk"]["scaled MSE"]
    step = found["dictionary search"]
    rows = [row for row in step["trials"] if row["error"] is not None]
    groups = {
        name: tuple(np.array([[r["time"], r["error"]] for r in rows if r["refine"] is refined]).T)
        for name, refined in (("refined", True), ("best atom", False))
        if any(r["refine"] is refined for r in rows)
    }
    return Section(
        "Dictionaries",
        [
            Picture(
                pareto_figure(groups, cost_label="time of a voxel [s]",
                              error_label="scaled mean squared error"),
                alt="Time against error of all dictionaries that were tried.",
                caption="Dictionaries of three densities and four ranks, refined and not.",
            ),
            Table(
                caption="All dictionaries, best first. Squared error over that of the posterior"
                " mean on the same signals.",
                columns=[Column("step of times", "factor"), "rank", "refined", "atoms",
                         Column("time of a voxel", "µs"), *(f"{snr} dB" for snr in risk)],
                rows=[
                    [row["density"], row["rank"], "yes" if row["refine"] else "no",
                     int(row["atoms"]), 1e6 * row["time"], *_over_risk(row, risk)]
                    for row in sorted(rows, key=lambda row: row["error"])
                ],
            ),
            Text(f"Taken: {_said(step['best']['chosen'])}, the fastest within 5 % of the least"
                 " error."),
        ],
    )  # fmt: skip


def ranks_section(found: Found, sizes: Sizes) -> Section:
    """Singular vectors, and what compression to a rank costs."""
    from ...report.figures import singular_vectors_figure, spectrum_figure

    step, risk = found["singular vectors"], found["Bayes risk"]["scaled MSE"]
    starts = np.cumsum([train.pulses for train in SEQUENCE.trains])[:-1]
    by_rank = {
        name: sorted(found[key]["trials"], key=lambda row: row[rank])
        for name, key, rank in (
            ("network", "ranks of networks", "network.core.rank"),
            ("matching", "ranks of dictionaries", "rank"),
        )
    }
    loss = Table(
        caption="Cramér-Rao deviation in the leading vectors over that from all samples, tissue"
        " over the prior.",
        columns=["rank", *(Column(which, "", DISPLAY[p].symbol) for p in PARAMETERS
                           for which in ("median", "95th percentile"))],
        rows=[
            [rank, *(step[which][p][i] for p in PARAMETERS for which in ("median loss",
                                                                         "loss at 95 %"))]
            for i, rank in enumerate(step["ranks"])
        ],
        notes="A dash: so few vectors do not tell the unknowns apart.",
    )  # fmt: skip
    error = Table(
        caption=(
            "Squared error over that of the posterior mean against rank;"
            f" {SEQUENCE.n_samples} is no compression. Networks of {sizes.choice_steps} steps;"
            " matching refined from a sparse grid."
        ),
        columns=["rank", *(Column(f"{snr} dB", "", name) for name in by_rank for snr in risk)],
        rows=[
            [int(a["network.core.rank"]), *_over_risk(a, risk), *_over_risk(b, risk)]
            for a, b in zip(*by_rank.values(), strict=False)
        ],
    )
    kept = ", ".join(f"{rank} for {energy}" for energy, rank in step["rank of energy"].items())
    return Section(
        "Singular vectors and rank",
        [
            Gallery(
                [
                    Picture(spectrum_figure(np.array(step["singular values"])),
                            alt="Singular values of signals of the prior, falling.",
                            caption="Singular values."),
                    Picture(singular_vectors_figure(np.array(step["vectors"]).T, starts),
                            alt="The first six singular vectors over the pulse number; lines where"
                            " a preparation is played.",
                            caption="The first six singular vectors."),
                ]
            ),
            Text(f"Vectors that hold a part of the energy: {kept}."),
            loss,
            Gallery(_rank_curves(step, by_rank, risk)),
            error,
        ],
    )  # fmt: skip


def _rank_curves(step: Found, by_rank: Mapping[str, Any], risk: Mapping[str, float]) -> list[Any]:
    from ...report.figures import Curve, curves_figure

    ranks = np.array(step["ranks"], float)
    loss = [
        Curve(name=DISPLAY[p].symbol, x=ranks, y=as_array(step["median loss"][p]))
        for p in PARAMETERS
    ]
    error = []
    for name, rows in by_rank.items():
        key = "network.core.rank" if name == "network" else "rank"
        for snr in ("10", "30"):
            y = as_array([_ratio(row.get(f"scaled MSE at {snr} dB"), risk[snr]) for row in rows])
            x = np.array([row[key] for row in rows], float)
            error.append(Curve(name=f"{name}, {snr} dB", x=x, y=y))
    return [
        Picture(
            curves_figure(
                loss, x_label="rank", y_label="bound over that of all samples", logarithmic=""
            ),
            alt="Median loss of the Cramér-Rao bound against rank, falling to 1.",
            caption="Loss of the Cramér-Rao bound.",
        ),
        Picture(
            curves_figure(error, x_label="rank", y_label="squared error over Bayes risk",
                          logarithmic="xy"),
            alt="Squared error over the Bayes risk against rank of networks and of matching.",
            caption="Error against rank; the last point is no compression.",
        ),
    ]  # fmt: skip


def as_array(values: Any) -> Any:
    """Plain values as an array, None as NaN."""
    return np.array(values, dtype=float)
