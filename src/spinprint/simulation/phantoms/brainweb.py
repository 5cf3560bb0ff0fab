"""Heads of the BrainWeb database, segmented from 20 people, instead of the drawn one.

The package brainweb-dl fetches them from McGill University (https://brainweb.bic.mni.mcgill.ca;
Aubert-Broche et al., IEEE Trans Med Imaging 2006;25:1410). The data are no part of this package
and have their own terms of use.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
from numpy.typing import NDArray

from ...errors import InputError, MissingExtraError
from .shapes import Points

SUBJECTS = (4, 5, 6, 18, 20, 38, *range(41, 55))
"""The people that there are, by their number in the database."""

STRUCTURES = {
    1: "cortical grey matter",
    2: "white matter",
    3: "cerebrospinal fluid",
    4: "scalp",
    5: "muscle and skin",
}
"""The name of each label. Deep nuclei count as grey matter there, so that none are apart here.

0 is air and skull, and dura and vessels, which we have no values for.
"""

REGIONS = {name: (label,) for label, name in STRUCTURES.items()}

_OURS = np.zeros(256, np.uint8)
_OURS[[1, 2, 3, 4, 5, 6, 9, 11]] = [3, 1, 2, 4, 5, 5, 4, 4]
"""BrainWeb's classes in our labels: fluid, grey and white matter, fat, muscle, muscle and skin,
fat between muscles, marrow.
"""

_STEP = 0.5
_FIRST = (-90.25, -126.25, -72.25)
"""The first voxel to the right, to the front and to the top [mm], Talairach space."""


class Head(NamedTuple):
    """The labels of a BrainWeb subject."""

    labels: NDArray[np.uint8]
    """Axes to the right, to the front and to the top, in steps of 0.5 mm."""

    def label_at(self, points: Points) -> NDArray[np.uint8]:
        """The label of the nearest voxel at each place, shape `(...)`; 0 beyond the volume."""
        world = (-points.lateral, -points.posterior, points.superior)
        indices = [
            np.round((place - first) / _STEP).astype(int)
            for place, first in zip(world, _FIRST, strict=True)
        ]
        inside = np.ones(np.broadcast_shapes(*(index.shape for index in indices)), bool)
        for index, size in zip(indices, self.labels.shape, strict=True):
            inside &= (index >= 0) & (index < size)
        near = (np.clip(i, 0, n - 1) for i, n in zip(indices, self.labels.shape, strict=True))
        return np.where(inside, self.labels[tuple(near)], 0).astype(np.uint8)


def load_head(subject: int, *, download: bool) -> Head:
    """The head of a subject, from the folder of brainweb-dl or, if allowed, from the network.

    Raises
    ------
    MissingExtraError
        brainweb-dl is not installed.
    InputError
        There is no such subject, it is not on this machine and `download` is False, or it cannot
        be fetched or read.
    """
    if subject not in SUBJECTS:
        known = ", ".join(map(str, SUBJECTS))
        raise InputError(f"BrainWeb has no subject {subject}; it has {known}")
    try:
        package = importlib.import_module("brainweb_dl")
    except ImportError:
        raise MissingExtraError(
            "BrainWeb subjects need brainweb-dl: pip install 'spinprint[brainweb]'"
        ) from None
    folder = _folder()
    path = folder / f"brainweb_s{subject:02d}_crisp.nii.gz"
    if not path.exists() and not download:
        raise InputError(
            f"BrainWeb subject {subject} is not in {folder}: add --download to fetch it from"
            " brainweb.bic.mni.mcgill.ca, under the terms of use stated there"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = package.get_brainweb20(subject, brainweb_dir=folder, segmentation="crisp")
        classes = np.asarray(nibabel.Nifti1Image.from_filename(path).dataobj)
    except (OSError, EOFError, ValueError, nibabel.filebasedimages.ImageFileError) as error:
        raise InputError(f"BrainWeb subject {subject} cannot be fetched or read: {error}") from None
    if classes.ndim != 3 or classes.min() < 0 or classes.max() > 11:
        raise InputError(f"{path}: holds no BrainWeb segmentation of 12 classes")
    return Head(_OURS[_upright(classes.astype(np.uint8))])


def _folder() -> Path:
    """Where brainweb-dl keeps heads."""
    if chosen := os.environ.get("BRAINWEB_DIR"):
        return Path(chosen)
    try:
        return Path.home() / ".cache" / "brainweb"
    except RuntimeError:
        raise InputError(
            "BrainWeb subjects need a folder, and there is no home directory: set BRAINWEB_DIR"
        ) from None


def _upright(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Axes to the right, to the front and to the top.

    BrainWeb stores the axis from left to right as the last one, and brainweb-dl 0.4 leaves it
    there though the affine it states says otherwise. A head is symmetric from left to right
    alone: this is how we tell.
    """
    first, last = (np.mean(classes == np.flip(classes, axis)) for axis in (0, 2))
    return classes if first >= last else classes.transpose(2, 1, 0)
