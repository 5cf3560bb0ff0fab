"""Agreement of two measurements of the same quantity, every number with its interval.

Cases must be independent of each other: subjects, regions or phantom vials rather than the voxels
of one image, whose errors may be correlated.
"""

from .bland_altman import BlandAltman, bland_altman
from .correlation import (
    MODELS,
    Concordance,
    IntraclassCorrelation,
    concordance,
    intraclass_correlation,
)
from .regression import Line, regression
from .repeatability import FORMULAS, Repeatability, repeatability
from .signed_rank import SignedRank, holm, signed_rank
from .summary import Agreement, agree, agreement_table

__all__ = [
    "FORMULAS",
    "MODELS",
    "Agreement",
    "BlandAltman",
    "Concordance",
    "IntraclassCorrelation",
    "Line",
    "Repeatability",
    "SignedRank",
    "agree",
    "agreement_table",
    "bland_altman",
    "concordance",
    "holm",
    "intraclass_correlation",
    "regression",
    "repeatability",
    "signed_rank",
]
