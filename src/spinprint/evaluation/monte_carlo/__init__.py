"""Estimators side by side on the same noise, over a range of signal-to-noise ratios."""

from .comparisons import (
    CONTRASTS,
    POOLED,
    SWEEP,
    Contrast,
    contrast_estimators,
    error_ratios,
    mean_errors,
    squared_errors,
)
from .outcome import Estimates, Outcome
from .plan import SNRS_DB, MonteCarlo
from .run import run_monte_carlo
from .scores import ALL, MEASURES, Score, Shrinkage, score_estimators, score_table, shrinkage

__all__ = [
    "ALL",
    "CONTRASTS",
    "MEASURES",
    "POOLED",
    "SNRS_DB",
    "SWEEP",
    "Contrast",
    "Estimates",
    "MonteCarlo",
    "Outcome",
    "Score",
    "Shrinkage",
    "contrast_estimators",
    "error_ratios",
    "mean_errors",
    "run_monte_carlo",
    "score_estimators",
    "score_table",
    "shrinkage",
    "squared_errors",
]
