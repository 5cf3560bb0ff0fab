"""The table of precisions in the terminal holds the bound of each tissue."""

import io

import pytest
from rich.console import Console

from spinprint import Sequence, TissueError, cramer_rao, presets, simulate
from spinprint.evaluation import typical_tissues
from spinprint.physics.noise import snr_to_sigma
from spinprint.report.precision import describe_precision
from spinprint.sequence import ReadoutTrain


def shown(sequence: Sequence, organ: str) -> list[str]:
    page = io.StringIO()
    Console(file=page, width=120).print(describe_precision(sequence, organ))
    return page.getvalue().splitlines()


def test_it_shows_the_bound_of_every_tissue() -> None:
    lines = shown(presets.knee_t1_t2_t1rho(), "knee")
    start = next(i for i, line in enumerate(lines) if line.startswith("muscle"))
    sequence = presets.knee_t1_t2_t1rho()
    muscle = typical_tissues(sequence, "knee")["muscle"]
    sigma = snr_to_sigma(simulate(sequence, muscle), 20)
    bound = cramer_rao(sequence, muscle, sigma)
    for line, name in zip(lines[start : start + 3], ("t1", "t2", "t1rho"), strict=True):
        value = float(muscle.get(name))
        percent = 100 * float(bound.sd[name]) / value
        numbers = line.removeprefix("muscle").split()[1:]
        assert float(numbers[0]) == pytest.approx(1e3 * value, rel=5e-3)
        assert float(numbers[2]) == pytest.approx(percent, abs=0.006)
        assert float(numbers[4]) == pytest.approx(percent / 10**0.5, abs=0.006)


def test_it_says_what_it_compares_the_noise_with() -> None:
    text = " ".join(shown(presets.diffusion_fisp(), "brain"))
    assert "Cramér-Rao" in text
    assert "rms over time" in text
    assert "3 T" in text
    assert "ADC" in text
    assert "T1ρ" not in text


def test_what_is_not_told_is_no_number() -> None:
    """Twenty equal pulses from equilibrium hardly know T2 of tendon at 20 dB."""
    train = ReadoutTrain(flip=[0.1] * 20, tr=0.005, te=0.002)
    sequence = Sequence(name="poor", field_strength=3.0, blocks=(train,))
    assert any("> 100 %" in line for line in shown(sequence, "knee"))


def test_an_organ_without_a_table_is_refused() -> None:
    with pytest.raises(TissueError, match="organ 'liver' must be one of knee, brain"):
        typical_tissues(presets.spi_500(), "liver")
