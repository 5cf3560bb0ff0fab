"""How good an estimate is: bounds, errors against a truth, agreement and Monte Carlo."""

from .bayes_risk import BayesRisk, Mean, bayes_risk
from .bootstrap import bootstrap
from .bounds import Bound, Precision, cramer_rao, precision_table
from .metrics import compare
from .monte_carlo import (
    MonteCarlo,
    Outcome,
    Score,
    run_monte_carlo,
    score_estimators,
    score_table,
)
from .row import Row, table

__all__ = [
    "BayesRisk",
    "Bound",
    "Mean",
    "MonteCarlo",
    "Outcome",
    "Precision",
    "Row",
    "Score",
    "bayes_risk",
    "bootstrap",
    "compare",
    "cramer_rao",
    "precision_table",
    "run_monte_carlo",
    "score_estimators",
    "score_table",
    "table",
]
