"""How good an estimate is: maps and estimators measured against the truth, and its limits.

`agreement` holds statistics of paired measurements, `monte_carlo` studies of estimators on
simulated noise, `spheres` finds those of a phantom in maps.
"""

from .bayes_risk import DRAWS, BayesRisk, MapRisk, Mean, bayes_risk, map_risk
from .bounds import Bound, cramer_rao, error_bound
from .comparison import Comparison, Reference, Role, compare_maps
from .metrics import Row, compare, table
from .monte_carlo import (
    MonteCarlo,
    Outcome,
    Score,
    run_monte_carlo,
    score_estimators,
    score_table,
)
from .precision import Precision, compression_loss, precision_table, typical_tissues
from .statistic import Statistic, bootstrap
from .structures import PURE, erode_labels, pure_labels, region_means

__all__ = [
    "DRAWS",
    "PURE",
    "BayesRisk",
    "Bound",
    "Comparison",
    "MapRisk",
    "Mean",
    "MonteCarlo",
    "Outcome",
    "Precision",
    "Reference",
    "Role",
    "Row",
    "Score",
    "Statistic",
    "bayes_risk",
    "bootstrap",
    "compare",
    "compare_maps",
    "compression_loss",
    "cramer_rao",
    "erode_labels",
    "error_bound",
    "map_risk",
    "precision_table",
    "pure_labels",
    "region_means",
    "run_monte_carlo",
    "score_estimators",
    "score_table",
    "table",
    "typical_tissues",
]
