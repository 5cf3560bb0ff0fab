"""`spinprint evaluate`: the path of the report, or one line and nothing written."""

from pathlib import Path

import pytest

from .conftest import Run


@pytest.fixture
def truth(scan: Path) -> Path:
    return scan / "truth"


def test_it_prints_where_the_report_is(run: Run, scan: Path, truth: Path, tmp_path: Path) -> None:
    out = tmp_path / "evaluation"
    labels = scan / "labels.nii.gz"
    outcome = run(
        "evaluate", truth, "--truth", truth, "--labels", labels, "--resamples", 5, "--out", out
    )
    assert (outcome.status, outcome.out) == (0, [str(out / "report.html")])
    assert (out / "report.html").is_file()
    assert (out / "metrics.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either --truth or --phantom: what the maps are compared with"),
        (("--truth", "nowhere"), "nowhere: no such folder: give one that holds maps"),
        (("--truth", "{truth}", "--labels", "no.nii"), "no.nii: no such file"),
        (("--truth", "{truth}", "--erode", "1"), "--erode = 1 must be 0 or more layers"),
        (("--phantom", "nist"), "spheres were found in the maps"),
        (("--phantom", "acr"), "acr"),
        (("--truth", "{truth}", "--sequence", "no.toml"), "no.toml: no such file, nor a preset"),
        (("--truth", "{truth}", "--subject", "77"), "has no subject '77'"),
    ],
)
def test_one_line_says_what_is_wrong(
    run: Run, truth: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    given = [argument.format(truth=truth) for argument in arguments]
    outcome = run("evaluate", truth, *given, "--out", tmp_path / "out")
    assert (outcome.status, outcome.out) == (2, [])
    assert outcome.err[-1].startswith("spinprint: ")
    assert message in outcome.err[-1]
    assert list(tmp_path.iterdir()) == []
