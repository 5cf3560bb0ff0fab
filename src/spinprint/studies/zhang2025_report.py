"""The page of `zhang2025`, made from its numbers alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..evaluation.agreement import bland_altman
from ..report import (
    Bullets,
    Column,
    Details,
    Gallery,
    Picture,
    Section,
    Table,
    Text,
    Verdicts,
)
from ..report.quantities import DISPLAY, listed
from .zhang2025_claims import published, verdicts
from .zhang2025_comparisons import KNEE_DB, PHANTOM_DB, sphere_pairs
from .zhang2025_setting import (
    BAYES,
    NETWORK,
    PARAMETERS,
    PLAIN,
    PRIOR,
    SEQUENCE,
    TUNED,
    WATCHED_DB,
)
from .zhang2025_sizes import Sizes

_SHOWN_DB = (10.0, 20.0, 30.0)
_ALL = (NETWORK, TUNED, PLAIN, BAYES)

Found = Mapping[str, Any]


def sections(found: Found, sizes: Sizes) -> tuple[Section, ...]:
    """All sections, the verdicts first."""
    return (
        _claims(found, sizes),
        _choices(found, sizes),
        _dictionaries(found),
        _ranks(found, sizes),
        _synthetic(found["synthetic"]),
        _nist(found["NIST phantom"]),
        _knees(found["knees"]),
        _methods(found),
    )


def _claims(found: Found, sizes: Sizes) -> Section:
    warning = "This scale shows that the study runs; its networks have hardly learned: the verdicts"
    return Section(
        "Claims and verdicts",
        [
            *([] if sizes.telling else [Text(f"{warning} mean nothing.", style="summary")]),
            Verdicts(verdicts(found, NETWORK, (TUNED, PLAIN))),
            Text(
                "All data are simulated with the same signal model that networks and dictionaries"
                " were made with. What a scanner adds (motion, undersampling, flow, fat, a wrong B1"
                " map) can make estimators differ in vivo, and is not in these numbers.",
                style="summary",
            ),
        ],
    )


def _choices(found: Found, sizes: Sizes) -> Section:
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


def _dictionaries(found: Found) -> Section:
    from ..report.figures import pareto_figure

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


def _ranks(found: Found, sizes: Sizes) -> Section:
    from ..report.figures import singular_vectors_figure, spectrum_figure

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
    from ..report.figures import Curve, curves_figure

    ranks = np.array(step["ranks"], float)
    loss = [
        Curve(name=DISPLAY[p].symbol, x=ranks, y=_array(step["median loss"][p])) for p in PARAMETERS
    ]
    error = []
    for name, rows in by_rank.items():
        key = "network.core.rank" if name == "network" else "rank"
        for snr in ("10", "30"):
            y = _array([_ratio(row.get(f"scaled MSE at {snr} dB"), risk[snr]) for row in rows])
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


def _synthetic(step: Found) -> Section:
    main = step["over the prior"]
    table = _score_table(main, _ALL)
    return Section(
        "Synthetic signals",
        [
            Gallery([_snr_curves(main, p) for p in PARAMETERS], columns=3),
            table,
            Details(
                "The network over matching, at every ratio", [_contrast_table(main["contrasts"])]
            ),
            _shrinkage(main["shrinkage"]),
            *(_group(name, step[name]) for name in list(step)[1:]),
        ],
    )


def _pick(rows: Iterable[Found], **wanted: Any) -> list[Found]:
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def _value(group: Found, **wanted: Any) -> float | None:
    (row,) = _pick(group["scores"], **wanted)
    return None if row["value"] is None else float(row["value"])


def _snr_curves(group: Found, parameter: str) -> Picture:
    from ..report.figures import Curve, curves_figure

    curves = []
    for name in _ALL:
        rows = _pick(group["scores"], estimator=name, parameter=parameter, measure="mape")
        x, y, low, high = (_array([row[key] for row in rows])
                           for key in ("snr_db", "value", "low", "high"))  # fmt: skip
        curves.append(Curve(name=name, x=x, y=y, low=low, high=high, is_bound=name == BAYES))
    bound = _array(group["bound"][parameter])
    curves.append(Curve(name="Cramér-Rao", x=x, y=bound, is_bound=True))
    symbol = DISPLAY[parameter].symbol
    return Picture(
        curves_figure(curves, x_label="SNR [dB]", y_label=f"mean |error| of {symbol} [%]"),
        alt=f"Mean absolute relative error of {symbol} against SNR of all estimators, with the"
        " posterior mean and the Cramér-Rao bound as limits.",
        caption=f"{symbol}; bands are 95 % intervals over tissue.",
    )


def _score_table(group: Found, estimators: tuple[str, ...]) -> Table:
    measures = (("bias_percent", "bias", "%"), ("sd", "SD", "ms"), ("mape", "mean |error|", "%"),
                ("mse_over_bayes_risk", "MSE / Bayes risk", ""))  # fmt: skip
    rows = []
    for parameter in PARAMETERS:
        for snr in _SHOWN_DB:
            for name in estimators:
                where = {"estimator": name, "snr_db": snr, "parameter": parameter}
                values = [_value(group, measure=m, **where) for m, _, _ in measures]
                values[1] = None if values[1] is None else 1e3 * values[1]
                rows.append([DISPLAY[parameter].symbol, f"{snr:g}", name, *values])
    return Table(
        caption="Tissue over the prior, off every grid. Bias and error relative to the truth; SD of"
        " estimates of one tissue, root mean square over tissue.",
        columns=[Column("parameter", is_text=True), Column("SNR", "dB"),
                 Column("estimator", is_text=True),
                 *(Column(head, unit) for _, head, unit in measures)],
        rows=rows,
    )  # fmt: skip


def _contrast_table(contrasts: list[Found]) -> Table:
    rows = []
    for rival in (TUNED, PLAIN):
        for row in _pick(contrasts, second=rival, measure="scaled_mse"):
            (far,) = _pick(contrasts, second=rival, measure="far", parameter=row["parameter"],
                           snr_db=row["snr_db"])  # fmt: skip
            snr = "all" if row["snr_db"] is None else f"{row['snr_db']:g}"
            ends = (row["ratio"], far["ratio"])
            cells = [one[key] for one in ends for key in ("value", "low", "high")]
            rows.append([rival, DISPLAY[row["parameter"]].symbol, snr, *cells])
    return Table(
        caption="The network over matching on the same signals: below 1 the network is better."
        " Intervals are 95 %, tissue resampled.",
        columns=[Column("over", is_text=True), Column("parameter", is_text=True),
                 Column("SNR", "dB"),
                 *(Column(end, "", head) for head in ("squared error", "95th percentile of |error|")
                   for end in ("ratio", "low", "high"))],
        rows=rows,
    )  # fmt: skip


def _shrinkage(rows: list[Found]) -> Table:
    levels = sorted({row["snr_db"] for row in rows})[:3]
    return Table(
        caption=(
            "Slope of estimates on the truth, logarithms over the range of the prior: below 1"
            " estimates keep to the middle of what was expected. A network learns the mean over its"
            " prior and trades this bias for less variance; maximum likelihood does not."
        ),
        columns=[Column("estimator", is_text=True),
                 *(Column(f"{snr:g} dB", "", DISPLAY[p].symbol) for p in PARAMETERS
                   for snr in levels)],
        rows=[
            [name, *(f"{_slope(rows, name, p, snr):.4f}" for p in PARAMETERS for snr in levels)]
            for name in _ALL
        ],
    )  # fmt: skip


def _slope(rows: list[Found], name: str, parameter: str, snr: float) -> float:
    (row,) = _pick(rows, estimator=name, parameter=parameter, snr_db=snr)
    value = row["slope"]["value"]
    return float("nan") if value is None else float(value)


def _group(name: str, group: Found) -> Table:
    levels = [20.0, 30.0]
    snrs = sorted({row["snr_db"] for row in group["scores"]})
    rows = []
    for estimator in _ALL:
        errors = [
            _value(group, estimator=estimator, parameter=p, measure=measure, snr_db=snr)
            for p in PARAMETERS
            for measure in ("bias_percent", "mape")
            for snr in levels
        ]
        marked = [100 * group["at an edge"][estimator][snrs.index(snr)] for snr in levels]
        rows.append([estimator, *errors, *marked])
    return Table(
            caption=f"Tissue {name}: bias and mean |error| [%] at {levels[0]:g} and {levels[1]:g}"
            " dB, and the share of estimates that say the truth may lie beyond the range.",
            columns=[Column("estimator", is_text=True),
                     *(Column(f"{what}, {snr:g} dB", "%", DISPLAY[p].symbol) for p in PARAMETERS
                       for what in ("bias", "|error|") for snr in levels),
                     *(Column(f"{snr:g} dB", "%", "at an edge") for snr in levels)],
            rows=rows,
        )  # fmt: skip


def _nist(step: Found) -> Section:
    outside = [one for one in step["spheres"] if not one["inside"]]
    names = listed([f"{one['array'].upper()} array {one['sphere']}" for one in outside])
    rows = [
        [array.upper(), name, DISPLAY[row["parameter"]].symbol, row["n"], row["bias_percent"],
         row["lower_limit_percent"], row["upper_limit_percent"], row["ccc"], row["slope"],
         row["slope_low"], row["slope_high"]]
        for array, tables in step["agreement"].items()
        for name, table in tables.items()
        for row in table
    ]  # fmt: skip
    return Section(
        "NIST phantom",
        [
            Gallery([_bland_altman(step["spheres"], name, p)
                     for p in PARAMETERS for name in (NETWORK, TUNED)]),
            Table(
                caption=f"Means of spheres against the tables at 3 T; median SNR {PHANTOM_DB:g} dB,"
                " B1 known. Slopes are Passing and Bablok's.",
                columns=[Column("array", is_text=True), Column("estimator", is_text=True),
                         Column("parameter", is_text=True), "spheres", Column("bias", "%"),
                         *(Column(end, "%", "95 % limits") for end in ("lower", "upper")), "CCC",
                         *(Column(end, "", "slope") for end in ("value", "low", "high"))],
                rows=rows,
            ),
            Text(
                [
                    "T1rho = T2 in every sphere is our assumption, as none is published. It puts"
                    " T1rho at the edge of what the prior allows, T2 at most T1rho: estimates over"
                    " the prior then have T2 too low and T1rho too high by what they do not know.",
                    f"Left out, as they lie outside the prior: {names or 'none'}.",
                ]
            ),
        ],
    )  # fmt: skip


def _bland_altman(spheres: list[Found], name: str, parameter: str) -> Picture:
    from ..report.figures import bland_altman_figure

    pairs = [sphere_pairs(spheres, array, name)[parameter] for array in ("t1", "t2")]
    estimate, truth = (np.concatenate([pair[i] for pair in pairs]) for i in (0, 1))
    symbol = DISPLAY[parameter].symbol
    return Picture(
        bland_altman_figure(
            1e3 * truth, 200 * (estimate - truth) / (estimate + truth),
            bland_altman(estimate, truth, scale="percent"),
            size_label=f"{symbol} of the tables [ms]", difference_label="difference [%]",
        ),
        alt=f"Differences of {symbol} of the {name} from the tables in all spheres, with limits of"
        " agreement.",
        caption=f"{symbol}, {name}.",
    )  # fmt: skip


def _knees(step: Found) -> Section:
    tests = {(r["parameter"], r["region"]): r for r in step["differences"][TUNED]}
    plain = {(r["parameter"], r["region"]): r for r in step["differences"][PLAIN]}
    truth = {(r["parameter"], r["region"]): r for r in step["differences"]["truth"]}
    index = {name: i for i, name in enumerate(step["regions"])}
    rows = []
    for parameter in PARAMETERS:
        for region, i in index.items():
            key = (parameter, region)
            if key not in tests:
                continue
            levels = [
                1e3 * float(np.nanmean(_array(step["means"][name][parameter])[i][:, 0]))
                for name in ("truth", NETWORK, TUNED, PLAIN)
            ]
            median = tests[key]["median percent"]
            rows.append(
                [DISPLAY[parameter].symbol, region, tests[key]["n"], *levels, median["value"],
                 median["low"], median["high"], tests[key]["p adjusted"],
                 plain[key]["median percent"]["value"], truth[key]["median percent"]["value"]]
            )  # fmt: skip
    wcv = {
        name: {(r["parameter"], r["region"]): r["wcv"]["value"] for r in table}
        for name, table in step["repeatability"].items()
    }
    return Section(
        "Knees",
        [
            Text(
                "Synthetic volunteers, not people: what is found holds for the signal model alone."
                f" Median SNR {KNEE_DB:g} dB in each image, B1 known, voxels at borders mixed.",
                style="summary",
            ),
            Table(
                caption="Regional means on the first visit, and the network less the others,"
                " medians over volunteers. Wilcoxon's signed rank test, adjusted by Holm for the"
                " parameters of all cartilage, and for all plates and parameters.",
                columns=[Column("parameter", is_text=True), Column("region", is_text=True), "knees",
                         *(Column(n, "ms", "mean") for n in ("truth", NETWORK, TUNED, PLAIN)),
                         *(Column(end, "%", f"network − {TUNED}")
                           for end in ("median", "low", "high")),
                         Column("p, adjusted"), Column(f"− {PLAIN}", "%"), Column("− truth", "%")],
                rows=rows,
            ),
            Verdicts(published(step["repeatability"][NETWORK], NETWORK),
                     caption="Scan and rescan against published repeatability."),
            Table(
                caption="wCV of scan and rescan [%]. That of the truth is what lying otherwise in"
                " the voxels does alone.",
                columns=[Column("region", is_text=True),
                         *(Column(name, "%", DISPLAY[p].symbol) for p in PARAMETERS
                           for name in wcv)],
                rows=[[region, *(wcv[name].get((p, region)) for p in PARAMETERS for name in wcv)]
                      for region in index],
            ),
        ],
    )  # fmt: skip


def _methods(found: Found) -> Section:
    ranges = listed(
        [f"{DISPLAY[p].symbol} {1e3 * PRIOR.laws[p].low:g} to {1e3 * PRIOR.laws[p].high:g} ms"
         for p in PARAMETERS]
    )  # fmt: skip
    seconds = found["training"].get("seconds")
    return Section(
        "Our choices where the abstract is silent",
        [
            Bullets(
                [
                    f"Sequence: {SEQUENCE.name}. {SEQUENCE.citation}",
                    f"Prior: {ranges}, logarithms even, T2 ≤ T1ρ ≤ T1; B1 even from 0.8 to 1.2 and"
                    " known in every voxel. Whether B1 was known in the paper is not known.",
                    "SNR: 20 log10 of the signal's rms over time over sqrt(2) sigma, sigma told to"
                    " all estimators.",
                    "Tuned matching: the best of several densities, ranks and refinement on the"
                    " signals that trainings are judged on; found by maximum likelihood, within"
                    " T2 ≤ T1ρ ≤ T1. Plain matching: a fine grid, an energy of 0.9999, the atom.",
                    f"Training of the network: {seconds:g} s." if seconds else "Network trained.",
                ]
            )
        ],
    )


def _array(values: Any) -> Any:
    """Plain values as an array, None as NaN."""
    return np.array(values, dtype=float)
