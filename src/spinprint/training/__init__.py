"""From a prior to a trained network: data made on the fly, stages, the loop.

Nothing here imports torch before a training begins.
"""

from .config import Data, Stage, TrainConfig, Validation, load_config

__all__ = ["Data", "Stage", "TrainConfig", "Validation", "load_config"]
