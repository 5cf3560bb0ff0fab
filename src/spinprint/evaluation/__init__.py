"""How good an estimate is: phantoms with known truth, and maps measured against it."""

from .metrics import Row, compare, table

__all__ = ["Row", "compare", "table"]
