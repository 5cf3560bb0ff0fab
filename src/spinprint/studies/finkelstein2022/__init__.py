"""Finkelstein, Liao, Cao and Zhong, MIDL 2022: does clean training first help with noise?"""

from ..study import Study
from .experiment import cost, measure
from .page import report
from .sizes import SCALES

STUDY = Study(
    name="finkelstein2022",
    title="Does clean training first help a network with noise?",
    paper=(
        "Finkelstein A, Liao C, Cao X, Zhong J. Transfer learning promotes robust parametric"
        " mapping of diffusion encoded MR fingerprinting. MIDL 2022"
        " (openreview.net/forum?id=pCusj-HT_bi)."
    ),
    scales=SCALES,
    cost=cost,
    measure=measure,
    report=report,
)
