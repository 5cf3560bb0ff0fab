"""From a series to maps: one protocol, several estimators."""

from .matching import DictionaryMatching
from .protocol import Estimator

__all__ = ["DictionaryMatching", "Estimator"]
