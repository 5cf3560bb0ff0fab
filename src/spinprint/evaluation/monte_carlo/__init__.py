"""Estimators side by side on the same noise, over a range of signal-to-noise ratios."""

from .outcome import Estimates, Outcome
from .plan import SNRS_DB, MonteCarlo
from .run import run_monte_carlo
from .scores import MEASURES, Score, score_estimators, score_table

__all__ = [
    "MEASURES",
    "SNRS_DB",
    "Estimates",
    "MonteCarlo",
    "Outcome",
    "Score",
    "run_monte_carlo",
    "score_estimators",
    "score_table",
]
