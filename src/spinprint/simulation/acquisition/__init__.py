"""What an undersampled scan makes of images: coils, trajectories and reconstruction."""

from .coils import coil_maps
from .gridding import grid
from .kspace import KSpace, acquire, sample_sigma
from .low_rank import subspace
from .scan import RECONSTRUCTIONS, Reconstruction, Sampling, choose_sampling, scan
from .trajectory import TRAJECTORIES, Radial, Spiral, Trajectory, TrajectoryName

__all__ = [
    "RECONSTRUCTIONS",
    "TRAJECTORIES",
    "KSpace",
    "Radial",
    "Reconstruction",
    "Sampling",
    "Spiral",
    "Trajectory",
    "TrajectoryName",
    "acquire",
    "choose_sampling",
    "coil_maps",
    "grid",
    "sample_sigma",
    "scan",
    "subspace",
]
