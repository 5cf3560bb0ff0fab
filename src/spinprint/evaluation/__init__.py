"""How good an estimate is: phantoms with known truth, and maps measured against it."""

from .bootstrap import bootstrap
from .metrics import Row, compare, table

__all__ = ["Row", "bootstrap", "compare", "table"]
