"""Estimators side by side on the same noise, over a range of signal-to-noise ratios."""

from .contrast import CONTRASTS, POOLED, Contrast, contrast_estimators
from .outcome import Estimates, Outcome
from .plan import SNRS_DB, MonteCarlo
from .run import run_monte_carlo
from .scores import MEASURES, Score, score_estimators, score_table
from .shrinkage import Shrinkage, shrinkage

__all__ = [
    "CONTRASTS",
    "MEASURES",
    "POOLED",
    "SNRS_DB",
    "Contrast",
    "Estimates",
    "MonteCarlo",
    "Outcome",
    "Score",
    "Shrinkage",
    "contrast_estimators",
    "run_monte_carlo",
    "score_estimators",
    "score_table",
    "shrinkage",
]
