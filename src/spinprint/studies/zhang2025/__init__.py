"""Zhang et al., NMR Biomed 2025;38:e70045: a tuned network against tuned matching in the knee.

Only the abstract was available. It states what was compared, on which three kinds of data, and in
words what came out; everything else here is our choice: the sequence (the preset
`knee_t1_t2_t1rho`, a public one in its place), the noise, the range of tissue, the networks and
the dictionaries. B1 is known in every voxel; whether it was in the paper is unknown. No knee was
measured: whatever is concluded about knees rests on simulation.
"""

from ..study import Study
from .experiment import cost, measure
from .page import report
from .sizes import SIZES

STUDY = Study(
    name="zhang2025",
    title="A tuned network against tuned dictionary matching in the knee",
    paper=(
        "Zhang, de Moura, Monga, Zibetti, Regatte: Fine-Tuning Deep Learning Model for Quantitative"
        " Knee Joint Mapping With MR Fingerprinting and Its Comparison to Dictionary Matching"
        " Method. NMR Biomed 2025;38(6):e70045, doi 10.1002/nbm.70045. Only the abstract"
        " was available; all data here are simulated."
    ),
    scales=SIZES,
    cost=cost,
    measure=measure,
    report=report,
)
