"""What the study of Finkelstein et al. 2022 found, and how to ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...evaluation import Statistic
from ...evaluation.monte_carlo import ALL, SWEEP
from ..claims import estimate, reduction

if TYPE_CHECKING:
    from .sizes import Sizes


class Numbers:
    """What the Monte Carlo found, and how to ask for it."""

    def __init__(self, found: Mapping[str, Any], sizes: Sizes) -> None:
        self.found, self.sizes = found, sizes
        self.n = sizes.longest
        self.snrs = [one for one in found["risk"][ALL] if one != SWEEP]
        self.parameters: list[str] = found["parameters"]

    def ratio(self, arm: str, base: str, snr: str = SWEEP) -> Statistic:
        """Error of an arm over that of another, over all parameters."""
        return estimate(self.found["ratios"][f"{arm} / {base}"][ALL][snr])

    def gain(self, arm: str, base: str, snr: str = SWEEP) -> Statistic:
        """By how much the error of an arm is lower than that of another [%]."""
        return reduction(self.ratio(arm, base, snr))

    def over_risk(self, arm: str, snr: str = SWEEP, parameter: str = ALL) -> Statistic:
        """Error of an arm over the Bayes risk."""
        return estimate(self.found["over_risk"][arm][parameter][snr])

    def room(self, arm: str, snr: str = SWEEP) -> Statistic:
        """By how much any estimator could at most lower the error of an arm [%]."""
        over = self.over_risk(arm, snr)
        return reduction(Statistic(1 / over.value, 1 / over.high, 1 / over.low))

    def main_arms(self) -> dict[str, str]:
        """What the arms of the main comparison are called on the page."""
        n = self.n
        return {
            f"clean-{n}": f"clean only, {n}",
            f"scratch-{n}": f"noisy alone, {n}",
            f"scratch-{2 * n}": f"noisy alone, {2 * n}",
            f"transfer-{n}": f"clean {n}, then noisy {n}, head frozen (the paper's)",
            f"unfrozen-{n}": f"clean {n}, then noisy {n}, nothing frozen",
            f"half-{n}": f"clean {n // 2}, then noisy {n - n // 2}, head frozen",
            "ours-recurrent/ours": f"our recipe, recurrent, {2 * n}",
            "ours-MLP/ours": f"our recipe, MLP on SVD coefficients, {2 * n}",
        }
