"""The search for good settings, of networks and of matching alike.

Nothing here imports optuna before a search begins.
"""

from .config import MatchingBase, TuneConfig, load_tuning, parse_tuning

__all__ = ["MatchingBase", "TuneConfig", "load_tuning", "parse_tuning"]
