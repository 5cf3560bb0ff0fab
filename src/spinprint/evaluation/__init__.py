"""How good an estimate is: phantoms with known truth, and maps measured against it."""

from .bootstrap import bootstrap
from .bounds import Bound, Precision, cramer_rao, precision_table
from .metrics import compare
from .row import Row, table

__all__ = [
    "Bound",
    "Precision",
    "Row",
    "bootstrap",
    "compare",
    "cramer_rao",
    "precision_table",
    "table",
]
