"""A page of maps is self-contained, states what the rows state, and lets no script in."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spinprint.errors import OutputError, SeriesError
from spinprint.evaluation import Row
from spinprint.maps import Maps
from spinprint.report import Fingerprint, write_page
from spinprint.report.html import render_page

VOID = {"meta", "img", "input", "br", "link", "hr"}


class Page(HTMLParser):
    """Elements with their attributes and text, and whether every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[list[str]] = []
        self._open: list[int] = []
        self.feed(text)
        self.close()
        assert not self._open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append([])
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for index in self._open:
            self.texts[index].append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, *tags: str) -> list[str]:
        pairs = zip(self.elements, self.texts, strict=True)
        return [" ".join("".join(text).split()) for (tag, _), text in pairs if tag in tags]

    @property
    def whole(self) -> str:
        return self.text("html")[0]


def render_report(content: Any) -> str:
    return render_page(content.page)


@pytest.fixture(scope="module")
def text(content: Any) -> str:
    return render_report(content)


@pytest.fixture(scope="module")
def text_of_one_slice(thin: Any) -> str:
    return render_report(thin)


@pytest.fixture(scope="module")
def text_of_maps(maps_only: Any) -> str:
    return render_report(maps_only)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


@pytest.fixture(params=["text", "text_of_maps"])
def any_text(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


def test_nothing_is_loaded_from_anywhere(any_text: str) -> None:
    page = Page(any_text)
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "base")
        assert (attributes.get("src") or "data:image/").startswith("data:image/"), tag
        assert (attributes.get("href") or "#").startswith("#"), tag
    assert not re.search(r"url\(|@import|https?://|srcset", re.sub(r"base64,[^\"]*", "", any_text))


def test_links_lead_to_sections(any_text: str) -> None:
    page = Page(any_text)
    ids = {attributes.get("id") for _, attributes in page.elements}
    targets = [(link["href"] or "").removeprefix("#") for link in page.attributes("a")]
    assert len(targets) >= 5
    assert set(targets) <= ids


def test_headings_descend_one_level_at_a_time(any_text: str) -> None:
    page = Page(any_text)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert max(np.diff(levels)) == 1


def test_what_helps_those_who_do_not_see(any_text: str) -> None:
    page = Page(any_text)
    assert page.attributes("html")[0]["lang"] == "en"
    assert all(len(image["alt"] or "") > 20 for image in page.attributes("img"))
    assert all(cell.get("scope") for cell in page.attributes("th"))
    assert len(page.attributes("caption")) == len(page.attributes("table"))
    alts = [image["alt"] or "" for image in page.attributes("img")]
    assert any(alt.startswith("Line plots over 24 pulses in 1.50 s") for alt in alts)
    maps = [canvas["aria-label"] or "" for canvas in page.attributes("canvas")]
    assert any(one.startswith("T1: Stated SD, SD of T1 [%], median 2.0") for one in maps)
    inputs = [one for one in page.attributes("input") if one["type"] == "number"]
    assert all("value in colour, " in (one["aria-label"] or "") for one in inputs)


def number(text: str) -> float:
    """A number of the page."""
    return float(text.split()[0].replace("−", "-"))


def find(rows: tuple[Row, ...], name: str, parameter: str) -> Row:
    return next(row for row in rows if (row.name, row.parameter) == (name, parameter))


def test_the_verdict_table_says_what_the_rows_say(content: Any, page: Page) -> None:
    line = next(line for line in page.text("tr") if line.startswith("oil"))
    cells = re.sub(r"\([^)]*\)|[†▲▼]", "", line).split()[1:]
    t1, adc = (
        find(content.comparison.rows, "oil", "t1"),
        find(content.comparison.rows, "oil", "adc"),
    )
    assert [int(cells[0]), number(cells[1]), number(cells[2])] == [t1.n, 0.0, 0.0]
    for numbers, row in ((cells[3:7], t1), (cells[7:11], adc)):
        bias, spread, over, covered = (number(text) for text in numbers)
        assert bias == pytest.approx(row.bias_percent, abs=0.006)
        assert spread == pytest.approx(100 * row.sd / row.mean_truth, abs=0.006)
        assert over == pytest.approx(row.median_error_over_sd, abs=0.0006)
        assert covered == pytest.approx(100 * row.coverage, abs=0.06)


def test_all_numbers_stand_in_practical_units(content: Any, page: Page) -> None:
    row = find(content.comparison.rows, "gel", "t1")
    line = [line.split() for line in page.text("tr") if line.startswith("gel")][1]
    assert line[1:3] == [str(row.n), str(row.n_estimated)]
    assert number(line[3]) == pytest.approx(1e3 * row.mean_truth, abs=0.6)  # ms
    assert number(line[10]) == pytest.approx(1e3 * row.rmse, rel=0.01)


def test_the_summary_comes_first_and_the_limits_last(page: Page) -> None:
    assert page.text("h2")[0] == "Summary"
    assert page.text("h2")[-2:] == ["Limits", "How it was made"]
    assert "not a medical device" in page.whole


def test_it_says_whether_the_data_were_simulated(text: str, text_of_maps: str) -> None:
    assert "The series was simulated" in text
    assert "The series was simulated" not in text_of_maps


def test_how_it_was_made(content: Any, page: Page) -> None:
    facts = page.text("table")[-1]
    for fact in (content.sequence.digest, "drawn at random", "settings, rank", "spinprint demo"):
        assert fact in facts


def test_without_truth_the_maps_speak_alone(maps_only: Any, text_of_maps: str) -> None:
    page = Page(text_of_maps)
    assert "Truth" not in page.text("figcaption")
    assert page.text("figcaption").count("Estimate") == 2
    median = 1e3 * float(np.nanmedian(maps_only.maps["t1"]))
    line = next(line for line in page.text("tr") if line.startswith("all voxels")).split()
    assert int(line[2]) == int(maps_only.maps.has_value().sum())
    assert number(line[3]) == pytest.approx(median, abs=0.6)


def test_the_slider_runs_over_the_slices(page: Page) -> None:
    (slider,) = (one for one in page.attributes("input") if one["type"] == "range")
    assert (slider["min"], slider["max"], slider["value"]) == ("1", "3", "2")
    assert "Slice" in page.text("label")


def test_one_slice_needs_no_slider(text_of_one_slice: str) -> None:
    assert all(one["type"] == "number" for one in Page(text_of_one_slice).attributes("input"))


HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>$\\frac{&lt;\udc80"


def test_hostile_text_stays_text(thin: Any, text_of_one_slice: str, tmp_path: Path) -> None:
    attacked = replace(
        thin,
        title=HOSTILE,
        description=HOSTILE,
        sequence=replace(thin.sequence, name=HOSTILE, citation=HOSTILE),
        names={1: HOSTILE, 2: HOSTILE},
        fingerprints=(replace(thin.fingerprints[0], name=HOSTILE),),
        provenance={HOSTILE: {HOSTILE: [HOSTILE]}, "sequence": HOSTILE, "digest": "", "seed": 3},
    )
    # As it is written: with what no file can hold turned into text.
    text = write_page(attacked.page, tmp_path / "report.html").read_text("utf-8")
    page, clean = Page(text), Page(text_of_one_slice)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in clean.elements]
    assert all(not name.startswith("on") for _, attrs in page.elements for name in attrs)
    shown = HOSTILE.replace("\udc80", "\\udc80")
    assert page.text("h1") == [shown]
    assert page.whole.count(shown) >= 10


def test_only_its_own_script_may_run(page: Page) -> None:
    (policy,) = (m["content"] for m in page.attributes("meta") if "http-equiv" in m)
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "script-src 'sha256-" in policy
    (own,) = (one for one in page.attributes("script") if "type" not in one)
    assert not own
    # The others are voxels: base64, which no browser runs.
    assert {one.get("type") for one in page.attributes("script")} == {None, "text/plain"}


def test_the_same_content_gives_the_same_bytes(maps_only: Any, text_of_maps: str) -> None:
    assert render_report(maps_only) == text_of_maps


def test_the_file_appears_whole_at_its_place(maps_only: Any, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    assert write_page(maps_only.page, path) == path
    assert path.read_text("utf-8").endswith("</html>")
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]
    with pytest.raises(OutputError, match="is a folder"):
        write_page(maps_only.page, tmp_path)


def test_an_estimate_that_failed_everywhere(maps_only: Any) -> None:
    maps = maps_only.maps
    nothing = {name: np.full(maps.shape, np.nan, np.float32) for name in maps}
    failed = maps.replace(
        values=nothing, sd=nothing, m0=np.full(maps.shape, np.nan, np.complex64),
        sigma=np.full(maps.shape, np.nan, np.float32), status=np.full(maps.shape, 5, np.uint8),
    )  # fmt: skip
    text = render_report(replace(maps_only, maps=failed))
    assert "Of 42 voxels, 0 were mapped, 42 hold NaN or Inf in the series." in text


def test_maps_of_one_axis_without_a_place(maps_only: Any) -> None:
    maps = maps_only.maps
    line = Maps(
        values={"t2": maps["t1"][:, 2, 0]},
        sd={},
        m0=maps.m0[:, 2, 0],
        status=maps.status[:, 2, 0],
        sigma=maps.sigma[:, 2, 0],
    )
    page = Page(render_report(replace(maps_only, maps=line)))
    assert page.text("figcaption")[0] == "Estimate"
    assert "Stated SD" not in page.text("figcaption")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"truth": {"t1": np.ones(3)}}, r"true t1 has shape \(3,\)"),
        ({"labels": np.ones(3)}, r"labels have shape \(3,\)"),
    ],
)
def test_what_does_not_fit_is_refused(content: Any, change: dict[str, Any], rule: str) -> None:
    with pytest.raises(SeriesError, match=rule):
        _ = replace(content, **change).page


def test_a_fingerprint_has_one_sample_a_pulse() -> None:
    with pytest.raises(SeriesError, match="equal length"):
        Fingerprint(name="a", measured=np.ones(5), fitted=np.ones(4))
