"""MR fingerprinting: from a pulse sequence to trusted quantitative maps."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it; typing itself takes longer to load than this
if TYPE_CHECKING:
    from typing import Any

_STAGES: dict[str, tuple[str, ...]] = {
    # stage, in the order data flows: the public names it holds
    "errors": (
        "DictionaryError",
        "InputError",
        "MissingExtraError",
        "ModelError",
        "OutputError",
        "SequenceError",
        "SeriesError",
        "SpinprintError",
        "TissueError",
    ),
    "sequence": ("Sequence", "load_sequence", "presets"),
    "tissue": ("Axis", "ParameterGrid", "Tissue"),
    "prior": ("Prior",),
    "physics.simulate": ("simulate",),
    "dictionary": ("Dictionary",),
    "networks": ("Mlp", "NetworkConfig", "Recurrent"),
    "networks.model": ("Model",),
    "maps": ("Maps", "Status"),
    "estimators": ("DictionaryMatching", "LeastSquares", "NetworkRegression", "PosteriorMean"),
    "training": ("Data", "Stage", "TrainConfig", "Validation", "load_config"),
    "training.loop": ("train",),
    "evaluation": (
        "BayesRisk",
        "Bound",
        "MonteCarlo",
        "Precision",
        "Row",
        "bayes_risk",
        "bootstrap",
        "compare",
        "cramer_rao",
        "precision_table",
        "run_monte_carlo",
        "score_estimators",
    ),
    "io": ("Series", "read_maps", "read_series", "write_maps", "write_series"),
}

__all__ = [name for names in _STAGES.values() for name in names]

_HOME = {name: stage for stage, names in _STAGES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import spinprint` stays cheap."""
    if name not in _HOME:
        raise AttributeError(f"module 'spinprint' has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
