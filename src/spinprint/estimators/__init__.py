"""From a series to maps: one protocol, several estimators."""

from .least_squares import LeastSquares
from .matching import DictionaryMatching
from .network import NetworkRegression
from .posterior import PosteriorMean
from .protocol import Estimator

__all__ = ["DictionaryMatching", "Estimator", "LeastSquares", "NetworkRegression", "PosteriorMean"]
