"""The Bayes risk at the noise of maps: at their ratio, of what was unknown, in their terms."""

from typing import Any

import numpy as np
import pytest

import spinprint as sp
from spinprint.evaluation import map_risk
from spinprint.physics.noise import snr_to_sigma
from spinprint.physics.simulate import simulate
from spinprint.prior import Fixed, Prior, Uniform

PRIOR = Prior(
    {
        "t1": Uniform(0.5, 2.0, log=True),
        "t2": Uniform(0.03, 0.2, log=True),
        "b1": Uniform(0.7, 1.3),
    }
)
SMALL: dict[str, Any] = {"n": 200, "n_atoms": 4000}


def maps_at(sequence: sp.Sequence, snr_db: float, m0: float) -> sp.Maps:
    tissue = sp.Tissue(t1=np.linspace(0.6, 1.8, 20), t2=np.linspace(0.04, 0.15, 20))
    sigma = m0 * snr_to_sigma(simulate(sequence, tissue), snr_db)
    values = {name: tissue.get(name).astype(np.float32) for name in ("t1", "t2")}
    return sp.Maps(
        values=values, sd={}, m0=np.full(20, m0, np.complex64), status=np.ones(20, np.uint8),
        sigma=sigma.astype(np.float32),
    )  # fmt: skip


def test_it_is_taken_at_the_ratio_of_the_maps_whatever_their_scale(short: sp.Sequence) -> None:
    for m0 in (1.0, 250.0):
        found = map_risk(maps_at(short, 32, m0), short, PRIOR, **SMALL)
        assert found.snr_db == pytest.approx((32, 32, 32), abs=0.01)
        assert found.risk.snr_db == found.snr_db[1]
    louder = map_risk(maps_at(short, 26, 1.0), short, PRIOR, **SMALL)
    # Twice the noise: twice the least error, where the prior tells little.
    assert louder.risk.rms["t1"] / found.risk.rms["t1"] == pytest.approx(2, rel=0.2)


def test_fields_that_were_not_mapped_were_known(short: sp.Sequence) -> None:
    maps = maps_at(short, 32, 1.0)
    nominal = map_risk(maps, short, PRIOR, **SMALL)
    given = map_risk(maps, short, PRIOR, fields={"b1": np.full(20, 0.8)}, **SMALL)
    assert nominal.prior.laws["b1"] == Fixed(1.0)
    assert given.prior.laws["b1"] == Fixed(0.8)
    values = {**maps.values, "b1": np.ones(20, np.float32)}
    assert map_risk(maps.replace(values=values), short, PRIOR, **SMALL).prior.unknowns[-1] == "b1"


def test_of_times_it_is_a_relative_error(short: sp.Sequence) -> None:
    found = map_risk(maps_at(short, 32, 1.0), short, PRIOR, **SMALL)
    truth = np.array([1.0, 3.0])
    squared = found.squared_error({"t1": truth})
    assert list(squared) == ["t1"]
    np.testing.assert_allclose(np.sqrt(squared["t1"]) / truth, found.risk.rms["t1"])
    (line, _) = found.table()
    assert line["mse_over_bayes_risk"] is None
    assert line["standard_error"] == pytest.approx(
        found.risk.rms["t1"] * found.risk.risk["t1"].error / found.risk.risk["t1"].value / 2
    )


def test_maps_without_noise_tell_no_risk(short: sp.Sequence) -> None:
    silent = maps_at(short, 32, 1.0).replace(sigma=np.full(20, np.nan, np.float32))
    with pytest.raises(sp.SeriesError, match="do not state their noise and M0"):
        map_risk(silent, short, PRIOR, **SMALL)
