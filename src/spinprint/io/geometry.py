"""Where voxels lie in space, as a NIfTI header says it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SeriesError

_FIELDS = (
    "qform_code",
    "sform_code",
    *(f"quatern_{letter}" for letter in "bcd"),
    *(f"qoffset_{letter}" for letter in "xyz"),
    *(f"srow_{letter}" for letter in "xyz"),
)
_SPATIAL_UNIT = 0b111  # the bits of xyzt_units that hold the unit of length
_MM = 2  # and their value for millimetres
_SCANNER = 1  # the code of a transform to scanner coordinates
_LONGEST_AXIS = np.iinfo(np.int16).max  # of a NIfTI-1 file

_FLATTEST = 1e-6
"""Volume of a voxel over the product of its edges, from which on its axes are independent."""

TOLERANCE = 0.1
"""How far a voxel may lie from its place in another image of the same voxels [voxel edges]."""

Remark = Callable[[str], object]
"""What takes a sentence that the user should read."""


def unsaid(remark: str) -> None:
    """Leave a remark unread."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Geometry:
    """The spatial part of a NIfTI header, field by field, so that it can be written unchanged.

    An affine alone would not do: a header holds two transforms, the meaning of each, and voxel
    sizes that need not follow from them.
    """

    affine: NDArray[np.float64] | None
    """Voxel to world transform, shape (4, 4) [mm unless the header says otherwise], invertible;
    None where the header does not place the voxels in space (both of its codes are 0), or not so
    that they have a place."""
    fields: Mapping[str, NDArray[Any]]
    """The raw fields of the header by their NIfTI names; `pixdim` without the time axis."""
    unit: int = _MM
    """The NIfTI code of the unit of length; a header that states none means millimetres."""
    version: int = 1
    """NIfTI-1 keeps transforms in float32, NIfTI-2 in float64."""
    defect: str | None = None
    """What is wrong with the transform that the header states, if it gives no voxel a place."""

    @classmethod
    def from_header(cls, header: Any) -> Geometry:
        """The geometry of a nibabel NIfTI header."""
        placed = header["sform_code"] > 0 or header["qform_code"] > 0
        affine, defect = None, None
        if placed:
            affine = _with_thickness(header.get_best_affine(), header.get_data_shape())
            defect = _defect(affine)
        fields = {name: np.array(header[name]) for name in _FIELDS}
        fields["pixdim"] = np.array(header["pixdim"][:4])
        return cls(
            affine=None if defect else affine,
            fields=fields,
            unit=int(header["xyzt_units"]) & _SPATIAL_UNIT or _MM,
            version=2 if header["srow_x"].dtype.itemsize == 8 else 1,
            defect=defect,
        )

    @classmethod
    def from_affine(cls, affine: ArrayLike | None) -> Geometry:
        """The geometry of a voxel to world transform of shape (4, 4) [mm], or of none.

        The transform is stored in float32, as NIfTI-1 does.

        Raises
        ------
        SeriesError
            It is no invertible affine transform.
        """
        import nibabel as nib

        header = nib.Nifti1Header()
        if affine is None:
            return cls.from_header(header)
        matrix = _checked(affine)
        header["pixdim"][1:4] = nib.affines.voxel_sizes(matrix)
        header.set_sform(matrix, code=_SCANNER)
        try:
            header.set_qform(matrix, code=_SCANNER, strip_shears=False)
        except nib.spatialimages.HeaderDataError:
            # A quaternion cannot hold shears; then the sform stands alone.
            header.set_qform(None)
        return cls.from_header(header)

    def image(self, data: NDArray[Any]) -> Any:
        """A nibabel image of the data, shape `(x, y, z)` or `(x, y, z, time)`, placed here."""
        import nibabel as nib

        short = max(data.shape) <= _LONGEST_AXIS
        kind = nib.Nifti1Image if self.version == 1 and short else nib.Nifti2Image
        header = kind.header_class()
        header.set_data_shape(data.shape)
        header.set_data_dtype(data.dtype)
        for name, value in self.fields.items():
            if name != "pixdim":
                header[name] = value
        header["pixdim"][:4] = self.fields["pixdim"]
        header["xyzt_units"] = self.unit
        return kind(data, None, header)

    def offset(self, affine: NDArray[np.float64] | None, shape: tuple[int, ...]) -> float:
        """How far a voxel lies from where another affine places it, at worst [voxel edges].

        The shortest edge counts. 0 where one of the two places nothing.

        Parameters
        ----------
        affine
            The other voxel to world transform, shape (4, 4) [mm].
        shape
            Number of voxels, `(x, y, z)`.
        """
        if self.affine is None or affine is None:
            return 0.0
        ends = ((0, length - 1) for length in shape)
        corners = np.array([(*corner, 1) for corner in itertools.product(*ends)])
        distances = np.linalg.norm((corners @ (self.affine - affine).T)[:, :3], axis=1)
        return float(distances.max() / _edges(self.affine).min())


def require_place(
    image: Geometry | None,
    reference: Geometry | None,
    shape: tuple[int, ...],
    what: str,
    other: str,
    remark: Remark = unsaid,
) -> None:
    """Make sure that two images of equal shape show the same place, where both state one.

    Parameters
    ----------
    image, reference
        Where they lie; None for a format that does not say.
    shape
        Number of voxels, `(x, y, z)`.
    what, other
        What messages call the image, with its file, and the reference.
    remark
        Takes a sentence where the place of the image could not be checked.

    Raises
    ------
    SeriesError
        A voxel lies more than `TOLERANCE` off, or the transform of the image gives it no place.
    """
    if image is None or reference is None:
        return
    if reference.affine is None:
        if defect := reference.defect or image.defect:
            remark(f"{what} may lie elsewhere than {other}: an affine {defect}.")
        return
    if image.defect:
        raise SeriesError(
            f"{what} could lie anywhere, as its affine {image.defect}: give it the header of"
            f" {other}"
        )
    if image.affine is None:
        remark(f"{what} states no place in space: its voxels are taken for those of {other}.")
        return
    offset = reference.offset(image.affine, shape)
    if offset > TOLERANCE:
        raise SeriesError(
            f"{what} lies up to {offset:.2g} voxels off {other} (their affines differ):"
            f" resample it onto {other}"
        )


def _with_thickness(affine: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The affine with a length of 1 along axes of a single voxel that have none, as slices do."""
    matrix = np.array(affine, dtype=np.float64)
    lengths = (*shape, 1, 1, 1)[:3]
    flat = [i for i in range(3) if lengths[i] == 1 and not matrix[:3, i].any()]
    if len(flat) == 1 and np.isfinite(matrix).all():
        first, second = (matrix[:3, i] for i in range(3) if i not in flat)
        normal = np.cross(first, second)
        matrix[:3, flat[0]] = normal / (np.linalg.norm(normal) or 1)
    return matrix


def _defect(affine: NDArray[np.float64]) -> str | None:
    """Why a transform gives voxels no place, as a predicate; None where it does."""
    if not np.isfinite(affine).all():
        return "holds NaN or Inf"
    edges = _edges(affine)
    if not edges.all() or abs(np.linalg.det(affine[:3, :3] / edges)) < _FLATTEST:
        return "is singular: it puts voxels on top of each other"
    return None


def _edges(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lengths of the edges of a voxel."""
    return np.asarray(np.linalg.norm(affine[:3, :3], axis=0))


def _checked(affine: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(affine, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise SeriesError(f"an affine of shape {matrix.shape} must be (4, 4) and finite")
    if not np.array_equal(matrix[3], (0, 0, 0, 1)) or np.linalg.det(matrix) == 0:
        raise SeriesError("an affine must be invertible and its last row 0 0 0 1")
    return matrix
