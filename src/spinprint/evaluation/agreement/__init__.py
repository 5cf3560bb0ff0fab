"""Agreement of two measurements of the same thing, every number with its interval.

Cases must be independent of each other: subjects, regions or phantom vials rather than the voxels
of one image, whose errors may hang together.
"""

from .bland_altman import BlandAltman, bland_altman
from .concordance import Concordance, concordance
from .estimate import Estimate
from .intraclass import MODELS, IntraclassCorrelation, intraclass_correlation
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
    "Estimate",
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
