"""Neural networks that map a signal to tissue: their features, architectures and files.

This module does not import torch; `networks.model` and the rest do.
"""

from .config import Mlp, NetworkConfig, Recurrent

__all__ = ["Mlp", "NetworkConfig", "Recurrent"]
