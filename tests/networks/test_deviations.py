"""Stated deviations hold as often as they should, at every level of noise."""

import torch

from spinprint.networks.deviations import Deviations

N = 20_000


def test_factors_make_deviations_hold() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = -8 + 5 * torch.rand(N, generator=generator)
    # The first target is stated twice too large where it is quiet, the second four times too small.
    wrong = torch.stack([torch.where(noise < -5.5, 0.5, 1.0), torch.full((N,), 4.0)], dim=1)
    ratio = torch.randn((N, 2), generator=generator).abs() * wrong
    deviations = Deviations(2)
    assert torch.equal(deviations(noise), torch.zeros(N, 2))
    deviations.fit(noise, ratio)
    held = ratio < torch.exp(deviations(noise))
    for low in (-8, -7, -5, -4):
        inside = (noise >= low) & (noise < low + 1)
        assert (held[inside].double().mean(dim=0) - 0.6827).abs().max() < 0.03


def test_beyond_the_levels_the_last_factor_holds() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(1000, generator=generator)
    deviations = Deviations(1)
    deviations.fit(noise, (1 + noise)[:, None] * torch.rand((1000, 1), generator=generator))
    inside, beyond = deviations(torch.tensor([0.0, 1.0])), deviations(torch.tensor([-9.0, 9.0]))
    torch.testing.assert_close(beyond, inside, atol=5e-3, rtol=0)


def test_one_level_of_noise_has_one_factor() -> None:
    ratio = torch.randn((5000, 1), generator=torch.Generator().manual_seed(0)).abs() * 3
    deviations = Deviations(1)
    deviations.fit(torch.full((5000,), -4.0), ratio)
    factor = torch.exp(deviations(torch.tensor([-4.0])))
    assert abs(factor.item() - 3) < 0.2
