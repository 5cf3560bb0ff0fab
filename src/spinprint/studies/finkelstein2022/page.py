"""The page of the study of Finkelstein et al. 2022, from its numbers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...report import Outcome, Section, Text, Verdict, Verdicts
from ...report.quantities import listed
from ..claims import claim, judge
from .numbers import Numbers
from .tables import boundary, errors, gains

if TYPE_CHECKING:
    from .sizes import Sizes

CLAIMED = 15.0
"""The reduction of the mean squared error that the abstract states [%]."""

PROSE = (
    (
        "A recurrent network maps signal evolutions of a diffusion-encoded sequence to T1, T2 and "
        "ADC. The weights learned from clean signals initialise a training on noisy ones, in "
        "which the last layer is frozen. The abstract states that the mean squared error is 15 % "
        "below that of noisy training alone and that, from 10 to 60 dB, the network is comparable "
        "to the clean one at high SNR and more robust at low SNR."
    ),
    (
        "The abstract leaves the following open; these are our choices. The sequence is our "
        "preset diffusion_fisp. Tissue is that of the brain at 3 T, from white matter to fluid "
        "(PRIOR), with log T1, log T2 and ADC uniform; it is a fixed set, as a dictionary would "
        "be, with new noise at every step. The network is one layer of gated recurrent units that "
        "reads several samples per step, with a linear layer on its last state; the noise level "
        "is not an input. It minimises the squared error of scaled coordinates with AdamW at a "
        "learning rate of 1e-3, which rises briefly and then follows a cosine in every stage. "
        "Noisy stages draw the SNR (rms over time) of each signal uniformly from 10 to 60 dB. "
        "Clean and noisy stages are equally long. The weights kept are those of a stage's best "
        "validation on other tissue."
    ),
)
"""The method, and what the abstract leaves open, as the page states them."""

COMPARABLE = 1.25
"""Times the error of the clean network up to which another counts as comparable: our choice."""

HIGH_DB, LOW_DB = ("50", "60"), ("10", "20")
"""What we take for high and low ratios [dB]."""


def report(results: Mapping[str, Any], sizes: Sizes) -> tuple[Section, ...]:
    """The sections: verdicts, errors, gains, where transfer helps, our choices."""
    numbers = Numbers(results["Monte Carlo"], sizes)
    return (
        Section("What is claimed, and what was measured", _verdicts(numbers)),
        Section("Errors from 10 to 60 dB", list(errors(numbers))),
        Section("What transfer gains", list(gains(numbers))),
        Section("Where transfer helps", list(boundary(numbers))),
        Section("What is the paper's and what is ours", [Text(_choices(sizes))]),
    )


def _verdicts(numbers: Numbers) -> list[Any]:
    n = numbers.n
    transfer, longer, alone = f"transfer-{n}", f"scratch-{2 * n}", f"scratch-{n}"
    lower = f"lowers the mean squared error by {CLAIMED:g} % or more"
    percent: dict[str, Any] = {"unit": " %", "sign": True}
    rows = [
        claim(
            f"Transfer {lower} against noisy training alone, as the paper sets it: {n} clean steps"
            f" on top of {n} noisy ones",
            numbers.gain(transfer, alone), least=CLAIMED, **percent,
        ),
        claim(
            f"Transfer {lower} at matched steps: against {2 * n} noisy steps alone",
            numbers.gain(transfer, longer), least=CLAIMED, **percent,
        ),
        claim(
            f"Transfer {lower} at matched steps: {n // 2} clean and {n - n // 2} noisy against {n}",
            numbers.gain(f"half-{n}", alone), least=CLAIMED, **percent,
        ),
        *(
            claim(
                f"At {snr} dB transfer is comparable to clean training: at most {COMPARABLE:g}"
                " times its error (the limit is ours)",
                numbers.ratio(transfer, f"clean-{n}", snr), most=COMPARABLE, unit=" times",
            )
            for snr in HIGH_DB
        ),
        *(
            claim(
                f"At {snr} dB transfer is more robust than clean training: a lower error",
                numbers.ratio(transfer, f"clean-{n}", snr), most=1, unit=" times",
            )
            for snr in LOW_DB
        ),
    ]  # fmt: skip
    controls = [
        claim(
            "At matched steps transfer lowers the error at all",
            numbers.gain(transfer, longer), least=0, **percent,
        ),
        claim(
            "Freezing the last layer lowers the error",
            numbers.gain(transfer, f"unfrozen-{n}"), least=0, **percent,
        ),
        *(
            claim(
                f"{name} {lower} against noisy training alone in as many steps ({2 * n})",
                numbers.gain(arm, longer), least=CLAIMED, **percent,
            )
            for arm, name in (
                ("ours-recurrent/ours", "Our recipe for the recurrent network"),
                ("ours-MLP/ours", "Our recipe for an MLP on SVD coefficients"),
            )
        ),
        claim(
            f"There is room: an estimator that {lower} against {2 * n} noisy steps alone can exist",
            numbers.room(longer), least=CLAIMED, **percent, reason=_room_by_ratio(numbers),
        ),
    ]  # fmt: skip
    caption = (
        "Errors are squared errors of scaled coordinates (logarithms of times, ADC itself, 0 to 1"
        " over the prior), the mean over parameters, test tissue and seeds; where no ratio is"
        " named, over all ratios of the sweep too. Intervals hold 95 %: seeds and test tissues"
        " resampled, the same for both of a pair."
    )
    return [
        Verdicts(rows, f"Claims of the abstract. {caption}"),
        Verdicts(controls, "Controls, not claimed by the paper."),
        Text(_summary(rows, controls), style="summary"),
    ]


def _room_by_ratio(numbers: Numbers) -> str:
    """At which ratios any recipe could gain what is claimed."""
    base = f"scratch-{2 * numbers.n}"
    outcomes = {s: judge(numbers.room(base, s), least=CLAIMED) for s in numbers.snrs}
    none = [snr for snr, outcome in outcomes.items() if outcome is Outcome.FAILS]
    if not none:
        return ""
    return f"Taken alone, no recipe can at {listed(none)} dB: the Bayes risk forbids it."


def _summary(rows: Sequence[Verdict], controls: Sequence[Verdict]) -> str:
    counts = [
        f"{outcome.value} {sum(row.outcome is outcome for row in rows)}"
        for outcome in (Outcome.HOLDS, Outcome.FAILS, Outcome.OPEN)
    ]
    return (
        f"Of the {len(rows)} statements of the abstract: {', '.join(counts)}, at these sizes and"
        f" with our choices where the abstract is silent; {len(controls)} controls say why."
    )


def _choices(sizes: Sizes) -> list[str]:
    return [
        *PROSE,
        (
            f"Here the network has {sizes.width} units, reads {sizes.samples_per_step} samples a"
            f" step and learns from {sizes.batch} signals at a time;"
            f" {sizes.seeds} seeds, {sizes.seeds_of_grid} on the smaller sets; all arms of a seed"
            " begin with the same weights and share the tissue. The Monte Carlo tests"
            f" {sizes.tested} tissues off any grid, {sizes.draws} noise draws at each ratio, the"
            " same for all. The Bayes risk is the error of the posterior mean on the same signals,"
            " with the noise known."
        ),
    ]
