"""What every phantom keeps, whatever it shows."""

from functools import cache
from typing import Any

import numpy as np
import pytest

import spinprint as sp
from spinprint.simulation.phantoms import PHANTOMS, Fields, Phantom

NAMES = list(PHANTOMS)
SAMPLED = {"knee", "brain"}
"""Those whose tissue is drawn; the values of the system phantom are given."""

COARSE = (29, 31, 3)
FIELDS = Fields(b1=(0.8, 1.2), b0=(-40.0, 40.0))


@cache
def phantom(name: str) -> Phantom:
    """On the default matrix."""
    return PHANTOMS[name]()


@cache
def coarse(name: str, **options: Any) -> Phantom:
    return PHANTOMS[name](shape=COARSE, **options)


@pytest.mark.parametrize("name", NAMES)
def test_truth_is_finite_and_in_order(name: str) -> None:
    body = phantom(name)
    truth = body.truth()
    for values in truth.values():
        assert np.isfinite(values[body.mask]).all()
        assert np.isnan(values[~body.mask]).all()
    inside = {key: values[body.mask] for key, values in truth.items()}
    assert (inside["t2"] <= inside["t1rho"]).all()
    assert (inside["t1rho"] <= inside["t1"]).all()
    assert (inside["adc"] > 0).all()
    m0 = np.abs(body.tissue.get("m0"))
    assert (m0[body.mask] > 0).all()
    assert m0.max() <= 1 + 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_every_label_has_a_name_and_a_source(name: str) -> None:
    body = phantom(name)
    assert body.name == name
    assert set(np.unique(body.labels).tolist()) <= {0, *body.names}
    assert len(set(body.names.values())) == len(body.names)
    for structure in body.names.values():
        source = body.sources[structure]
        assert any(word in source for word in ("our choice", "doi", "PMC", "MRzero")), structure
        assert "ADC" in source, structure
    assert f"{body.field_strength:g} T" in body.description


@pytest.mark.parametrize("name", NAMES)
def test_every_region_can_be_seen_on_the_default_matrix(name: str) -> None:
    body = phantom(name)
    visible = set(np.unique(body.labels).tolist())
    empty = [region for region, labels in body.regions.items() if not visible & set(labels)]
    # Fiducial spheres mark a grid between the arrays.
    assert empty == (["fiducial spheres"] if name == "nist" else [])
    assert {label for labels in body.regions.values() for label in labels} == set(body.names)


@pytest.mark.parametrize("name", NAMES)
def test_the_affine_is_a_stack_of_slices(name: str) -> None:
    body = phantom(name)
    axes = body.affine[:3, :3]
    sizes = np.linalg.norm(axes, axis=0)
    np.testing.assert_allclose(axes.T @ axes, np.diag(sizes**2), atol=1e-9)
    assert 1 < sizes[0] < 2.5
    assert sizes[0] == pytest.approx(sizes[1])
    middle = body.affine @ [*(np.array(body.shape) - 1) / 2, 1]
    assert np.abs(middle[:3]).max() < 20  # the origin lies in the body


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rescan", [False, True])
def test_a_seed_makes_the_same_phantom(name: str, rescan: bool) -> None:
    first, again = (
        PHANTOMS[name](shape=COARSE, seed=3, rescan=rescan, fields=FIELDS) for _ in range(2)
    )
    np.testing.assert_array_equal(first.labels, again.labels)
    for key, values in first.tissue.given().items():
        np.testing.assert_array_equal(values, again.tissue.get(key))


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_draws_what_is_drawn(name: str) -> None:
    first, other = (PHANTOMS[name](shape=COARSE, seed=seed, fields=FIELDS) for seed in (3, 4))
    np.testing.assert_array_equal(first.labels, other.labels)
    for key in ("t1", "t2", "t1rho", "adc"):
        differ = (first.tissue.get(key) != other.tissue.get(key)).any()
        assert differ == (name in SAMPLED), key
    for key in ("b1", "b0", "m0"):
        assert (first.tissue.get(key) != other.tissue.get(key)).any(), key


@pytest.mark.parametrize("name", NAMES)
def test_a_rescan_lies_otherwise_in_other_fields(name: str) -> None:
    first, second = (
        PHANTOMS[name](shape=COARSE, rescan=again, fields=FIELDS) for again in (False, True)
    )
    assert 0.005 < (first.labels != second.labels).mean() < 0.35
    for key in ("b1", "b0"):
        assert (
            np.corrcoef(first.tissue.get(key).ravel(), second.tissue.get(key).ravel())[0, 1] < 0.9
        )


@pytest.mark.parametrize("name", NAMES)
def test_voxels_at_borders_keep_all_of_the_m0(name: str) -> None:
    """The sum over parts is the mean of the densities over a finer grid, the slice included."""
    mixed = coarse(name, fields=Fields(phase=None))
    fine = PHANTOMS[name](
        shape=(COARSE[0] * 3, COARSE[1] * 3, COARSE[2]), fields=Fields(phase=None)
    )
    assert mixed.mixture is not None
    assert fine.mixture is not None
    total = mixed.mixture.total_m0(mixed.labels.size).reshape(mixed.shape)
    finer = fine.mixture.total_m0(fine.labels.size).reshape(COARSE[0], 3, COARSE[1], 3, COARSE[2])
    assert total.sum() == pytest.approx(finer.mean(axis=(1, 3)).sum(), rel=0.003)
    np.testing.assert_allclose(total[mixed.mask], mixed.tissue.get("m0")[mixed.mask])
    parts = mixed.mixture
    several = np.flatnonzero(np.diff(parts.voxel) == 0)
    assert len(several) > 0.02 * parts.voxel.size
    # The label is that of the largest part, as far as it gives signal.
    inside = mixed.mask.ravel()[parts.voxel]
    first = np.diff(parts.voxel, prepend=-1) > 0
    np.testing.assert_array_equal(
        parts.label[first & inside], mixed.labels.ravel()[parts.voxel[first & inside]]
    )


@pytest.mark.parametrize("name", NAMES)
def test_without_partial_volume_every_voxel_is_one_tissue(name: str) -> None:
    mixed, pure = coarse(name), coarse(name, partial_volume=False)
    np.testing.assert_array_equal(mixed.labels, pure.labels)
    np.testing.assert_array_equal(mixed.tissue.get("m0"), pure.tissue.get("m0"))
    assert (pure.purity[pure.mask] == 1).all()
    assert 0.03 < (mixed.purity[mixed.mask] < 1).mean() < 0.9
    assert np.isnan(mixed.purity[~mixed.mask]).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_signal_of_a_voxel_is_the_sum_over_its_parts(name: str, short: sp.Sequence) -> None:
    body = PHANTOMS[name](shape=(21, 23, 3))
    series = body.image(short).reshape(-1, short.n_samples)
    parts = body.parts
    assert series.shape == (21 * 23 * 3, short.n_samples)
    alone = sp.simulate(short, parts.tissue)
    for voxel in np.unique(parts.voxel)[::40]:
        np.testing.assert_allclose(
            series[voxel], alone[parts.voxel == voxel].sum(axis=0), rtol=1e-5, atol=1e-7
        )
    empty = np.ones(len(series), bool)
    empty[parts.voxel] = False
    assert not series[empty].any()
