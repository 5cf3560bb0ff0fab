"""The page of the study, made from its numbers alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...report import (
    Bullets,
    Section,
    Text,
    Verdicts,
)
from ...report.quantities import DISPLAY, listed
from .claims import verdicts
from .comparison_page import knees_section, nist_section, synthetic_section
from .setting import (
    NETWORK,
    PARAMETERS,
    PLAIN,
    PRIOR,
    SEQUENCE,
    TUNED,
)
from .sizes import Sizes
from .training_page import choices_section, dictionaries_section, ranks_section

Found = Mapping[str, Any]


def report(found: Found, sizes: Sizes) -> tuple[Section, ...]:
    """All sections, the verdicts first."""
    return (
        _claims(found, sizes),
        choices_section(found, sizes),
        dictionaries_section(found),
        ranks_section(found, sizes),
        synthetic_section(found["synthetic"]),
        nist_section(found["NIST phantom"]),
        knees_section(found["knees"]),
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
