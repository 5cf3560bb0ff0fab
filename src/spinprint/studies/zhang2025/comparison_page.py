"""The page of the study: synthetic signals, the NIST phantom and knees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...evaluation.agreement import bland_altman
from ...report import (
    Column,
    Details,
    Gallery,
    Picture,
    Section,
    Table,
    Text,
    Verdicts,
)
from ...report.quantities import DISPLAY, listed
from .claims import published
from .comparisons import KNEE_DB, PHANTOM_DB, sphere_pairs
from .setting import (
    BAYES,
    NETWORK,
    PARAMETERS,
    PLAIN,
    TUNED,
)
from .training_page import as_array

_SHOWN_DB = (10.0, 20.0, 30.0)
_ALL = (NETWORK, TUNED, PLAIN, BAYES)

Found = Mapping[str, Any]


def synthetic_section(step: Found) -> Section:
    """All estimators on the same noisy signals of tissue off every grid."""
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
    from ...report.figures import Curve, curves_figure

    curves = []
    for name in _ALL:
        rows = _pick(group["scores"], estimator=name, parameter=parameter, measure="mape")
        x, y, low, high = (as_array([row[key] for row in rows])
                           for key in ("snr_db", "value", "low", "high"))  # fmt: skip
        curves.append(Curve(name=name, x=x, y=y, low=low, high=high, is_bound=name == BAYES))
    bound = as_array(group["bound"][parameter])
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


def nist_section(step: Found) -> Section:
    """Means of spheres against the tables."""
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
    from ...report.figures import bland_altman_figure

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


def knees_section(step: Found) -> Section:
    """Cartilage of synthetic volunteers: differences and repeatability."""
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
                1e3 * float(np.nanmean(as_array(step["means"][name][parameter])[i][:, 0]))
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
