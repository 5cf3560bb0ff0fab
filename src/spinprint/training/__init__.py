"""From a prior to a trained network: signals simulated on the fly, stages, the training loop.

This module does not import torch; `training.loop` does.
"""

from .config import Data, Stage, TrainConfig, Validation, load_config

__all__ = ["Data", "Stage", "TrainConfig", "Validation", "load_config"]
