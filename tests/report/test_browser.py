"""Pages in a real browser: maps are drawn, sliders move, windows open, and paper is one way out."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spinprint.report import write_page

playwright = pytest.importorskip("playwright.sync_api")

HOSTILE = (
    "</script><script>document.title = 'taken'</script>\"'><img src=x onerror=alert(2)> 膝 \u202e"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The Chromium of the system, or else of playwright."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with playwright.sync_playwright() as engine:
        try:
            browser = engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium on this machine: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens the report of some content; nothing may be said on its console."""
    said: list[str] = []
    tabs = []

    def visit(content: Any, **settings: Any) -> Any:
        path = write_page(content.page, tmp_path / "report.html")
        page = browser.new_page(**settings)
        tabs.append(page)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector(".viewer[data-ready]", timeout=10_000)
        return page

    yield visit
    for page in tabs:
        page.close()
    assert not said


def drawn(page: Any, index: int) -> str:
    """What a canvas shows."""
    text: str = page.locator("canvas").nth(index).evaluate("one => one.toDataURL()")
    return text


def test_slices_and_windows_change_what_is_shown(visit: Any, content: Any) -> None:
    page = visit(content)
    broken = "[...document.images].filter(one => !(one.complete && one.naturalWidth)).length"
    assert page.evaluate("document.images.length") == 11
    assert page.evaluate(broken) == 0
    truth, estimate, error = drawn(page, 0), drawn(page, 1), drawn(page, 2)
    assert len({truth, estimate, error}) == 3

    slider = page.get_by_role("slider", name="Slice")
    slider.focus()
    slider.press("ArrowRight")
    assert page.locator(".slice-number").inner_text() == "3 of 3"
    assert slider.get_attribute("aria-valuetext") == "slice 3 of 3"
    assert truth != drawn(page, 0)
    slider.press("ArrowLeft")
    assert drawn(page, 0) == truth

    high = page.get_by_label("Truth: highest value in colour, T1 [ms]")
    high.fill("700")
    assert page.get_by_label("Estimate: highest value in colour, T1 [ms]").input_value() == "700"
    assert "above ▸" in page.locator(".beyond").first.inner_text()
    assert drawn(page, 0) != truth
    assert drawn(page, 1) != estimate, "truth and estimate share a window"
    assert drawn(page, 2) == error
    high.fill("-1")
    assert high.get_attribute("aria-invalid") == "true"
    page.get_by_role("button", name="Reset windows").click()
    assert (drawn(page, 0), drawn(page, 1)) == (truth, estimate)


def test_values_are_read_at_the_pointer_and_by_keys(visit: Any, content: Any) -> None:
    page = visit(content)
    place, canvas = page.locator(".place"), page.locator("canvas").first
    canvas.focus()
    canvas.press("ArrowUp")
    canvas.press("PageUp")
    # From the middle of columns 0 to 6 and rows 0 to 5, one up; columns run against their axis.
    voxel = (3, 3, 2)
    assert place.inner_text().startswith("Voxel [3, 3, 2], R 6.0 A 3.0 S 10.0 mm: Truth ")
    truth = 1e3 * (content.truth or {})["t1"][voxel]
    assert f"Truth {truth:.0f} ms" in place.inner_text() or f"Truth {truth + 0.5:.0f} ms" in (
        place.inner_text()
    )
    assert "Status mapped, Structure oil" in place.inner_text()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    assert place.inner_text().startswith("Voxel [6, 5, 2]")
    assert "outside" in place.inner_text()


def test_hostile_names_stay_text(visit: Any, thin: Any) -> None:
    page = visit(
        replace(
            thin,
            title=HOSTILE,
            names={1: HOSTILE, 2: HOSTILE},
            provenance={HOSTILE: HOSTILE},
        )
    )
    assert page.title().startswith("</script>")
    canvas = page.locator("canvas").first
    canvas.focus()
    canvas.press("ArrowUp")
    assert f"Structure {HOSTILE}" in page.locator(".place").text_content()
    assert page.locator("main script:not([type='text/plain'])").count() == 0


def test_narrow_screens_and_paper(visit: Any, maps_only: Any) -> None:
    page = visit(maps_only, viewport={"width": 390, "height": 800}, color_scheme="dark")
    reach = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(reach) <= 0, "a narrow page does not scroll sideways"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == (
        "rgb(21, 24, 28)"
    )
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF")
