"""The figures of a mapping report, and what their texts for those who do not see them say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..maps import Status
from .content import ReportContent
from .figures import calibration_figure, fingerprint_figure, sequence_figure, spectrum_figure
from .page import Gallery, Picture
from .quantities import DISPLAY, listed, shown


def sequence_picture(content: ReportContent) -> Picture:
    """Flip angle, TR and TE over the pulse number."""
    sequence = content.sequence
    flips = [flip for train in sequence.trains for flip in train.flip]
    low, high = (shown(np.rad2deg(flip), 1) for flip in (min(flips), max(flips)))
    return Picture(
        sequence_figure(sequence),
        f"Line plots over {sequence.n_samples} pulses in {shown(sequence.duration)} s: flip"
        f" angle from {low} to {high} degrees, repetition and echo times, and preparations"
        " as vertical lines.",
    )


def spectrum_picture(content: ReportContent) -> Picture | None:
    """The singular values, if they are known."""
    values, rank = content.singular_values, content.rank
    if values is None:
        return None
    kept = "" if rank is None else f" The first {rank} are kept."
    return Picture(
        spectrum_figure(values, rank),
        f"Singular values of the dictionary, falling steeply.{kept}",
        "Singular values of the dictionary",
    )


def fingerprint_gallery(content: ReportContent) -> Gallery:
    """The measured and the fitted signal of each fingerprint."""
    return Gallery(
        [
            Picture(
                fingerprint_figure(one.measured, one.fitted),
                f"Measured signal of {one.name} as dots and the signal of its estimate as a"
                f" line, over {len(one.measured)} pulses.",
                ": ".join(filter(None, (one.name, listed(_stated(one.values))))),
            )
            for one in content.fingerprints
        ],
        columns=2,
    )


def calibration_gallery(content: ReportContent) -> Gallery:
    """For each quantity with a truth, its errors over the stated SD."""
    pictures = []
    asked = content.maps.status != Status.OUTSIDE
    for name, sd in content.maps.sd.items():
        true = (content.truth or {}).get(name)
        if true is None:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            z = ((content.maps[name] - np.asarray(true)) / sd.astype(float))[asked]
        z = z[np.isfinite(z)]
        symbol = DISPLAY[name].symbol
        within = shown(100 * float(np.mean(np.abs(z) <= 1)), 1) if z.size else "–"
        alt = (
            f"Histogram of the errors of {symbol} over their stated standard deviation, with"
            f" the standard normal curve; {within} % lie within ±1."
        )
        pictures.append(Picture(calibration_figure(z, symbol), alt, symbol))
    return Gallery(pictures, columns=3)


def _stated(values: Mapping[str, float]) -> list[str]:
    return [
        f"{DISPLAY[name].symbol} {shown(DISPLAY[name].factor * value)} {DISPLAY[name].unit}"
        for name, value in values.items()
    ]
