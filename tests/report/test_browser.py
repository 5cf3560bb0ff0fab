"""The page in a real browser: its own script runs, the slider moves, every picture loads."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from spinprint.report import ReportContent, write_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=2000",
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

PROBE = """
const seen = () => [...document.querySelectorAll("img[data-slice]")]
  .filter(one => !one.hidden).map(one => one.dataset.slice);
const slider = document.getElementById("slice");
const before = new Set(seen());
slider.value = 3;
slider.dispatchEvent(new Event("input"));
document.body.dataset.found = JSON.stringify({
  broken: [...document.images].filter(one => !(one.complete && one.naturalWidth > 0)).length,
  images: document.images.length,
  before: [...before], after: [...new Set(seen())],
  said: slider.getAttribute("aria-valuetext"),
  reach: document.documentElement.scrollWidth - document.documentElement.clientWidth,
});
"""


def browse(path: Path, tmp_path: Path, *flags: str) -> tuple[str, list[str]]:
    """The page after its scripts have run, and the lines of the console."""
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *FLAGS, *flags, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
         path.as_uri()],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    console = [line for line in done.stderr.split("\n") if "CONSOLE" in line]
    return done.stdout, console


def allow(text: str, script: str) -> str:
    """The page with one more script, and its policy with the hash of that script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = text.replace("script-src ", f"script-src 'sha256-{digest}' ")
    return text.replace("</body>", f"<script>{script}</script><script>forbidden()</script></body>")


def test_the_slider_moves_and_the_pictures_load(content: ReportContent, tmp_path: Path) -> None:
    # Every row gets a mark, so that the words for screen readers are there to be laid out.
    rows = tuple(replace(row, coverage=0.1) for row in content.rows)
    path = write_report(replace(content, rows=rows), tmp_path / "report.html")
    probe = f"addEventListener('load', () => {{{PROBE}}})"
    path.write_text(allow(path.read_text("utf-8"), probe), encoding="utf-8")
    page, console = browse(path, tmp_path, "--window-size=390,800")
    # The policy stops the script that it does not know, and nothing else complains.
    assert len(console) == 1
    assert "violates the following Content Security Policy directive" in console[0]
    match = re.search(r'data-found="([^"]*)"', page)
    assert match is not None
    found = json.loads(html.unescape(match[1]))
    assert found["broken"] == 0
    assert found["images"] == 33 + 5
    assert (found["before"], found["after"]) == (["1"], ["2"])
    assert found["said"] == "slice 3 of 3"
    assert found["reach"] <= 0, "a narrow page does not scroll sideways"
