from pathlib import Path

import pytest

import spinprint as sp
from spinprint.workflows import demo


def test_the_demo_ends_in_a_report(
    short: sp.Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a short sequence and a coarse knee; the full size is what `make demo` runs."""
    simulate = demo.simulate_phantom
    monkeypatch.setattr(demo, "knee_t1_t2_t1rho", lambda: short)
    monkeypatch.setattr(
        demo,
        "simulate_phantom",
        lambda *given, **options: simulate(*given, **{**options, "matrix": 24}),
    )
    report = demo.run_demo(tmp_path / "demo", seed=3)
    assert report == tmp_path / "demo" / "report.html"
    page = report.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "T1 is as precise as the noise allows" in page
    assert '<input type="range" min="1" max="3"' in page  # slices to look through
    assert sorted(path.name for path in report.parent.iterdir()) == [
        "maps",
        "report.html",
        "simulated",
    ]
    truth = sp.read_maps(tmp_path / "demo/simulated/truth")
    assert set(truth) == set(sp.read_maps(tmp_path / "demo/maps"))
