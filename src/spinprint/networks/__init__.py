"""Neural networks that map a signal to tissue: what they see, what they are made of, their files.

Nothing here imports torch before a network is made or loaded.
"""

from .config import Mlp, NetworkConfig, Recurrent

__all__ = ["Mlp", "NetworkConfig", "Recurrent"]
