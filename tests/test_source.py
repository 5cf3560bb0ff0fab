"""A digest changes with all code that a result depends on, and with no other."""

import shutil
from pathlib import Path

import pytest

import spinprint
from spinprint import source
from spinprint.source import digest_below, source_digest

PACKAGE = Path(spinprint.__file__).parent
ATOMS = "spinprint.dictionary.dictionary"
KERNEL = "spinprint.physics.kernels.epg"
MATCHING = "spinprint.dictionary.kernel"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "spinprint"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("simd/vectors.py", {ATOMS, KERNEL, MATCHING}),
        ("simd/functions.py", {ATOMS, KERNEL}),
        ("tissue.py", {ATOMS, KERNEL}),
        ("sequence/events.py", {ATOMS, KERNEL}),
        ("physics/orders.py", {ATOMS}),  # imported within a function
        ("memory.py", {ATOMS, KERNEL, MATCHING}),
        ("dictionary/kernel.py", {ATOMS, MATCHING}),
        # Imports of the package itself, by name and at first use, cannot be followed.
        ("__init__.py", set()),
        ("report/page.py", set()),
        ("estimators/weighing_cpu.py", set()),
    ],
)
def test_an_edit_changes_what_depends_on_it(copy: Path, edited: str, changed: set[str]) -> None:
    modules = (ATOMS, KERNEL, MATCHING)
    before = {module: digest_below(copy, module) for module in modules}
    assert before == {module: source_digest(module) for module in modules}
    with (copy / edited).open("a", encoding="utf-8") as file:
        file.write("\n# edited\n")
    assert {m for m in modules if digest_below(copy, m) != before[m]} == changed


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    (folder / "deep").mkdir(parents=True)
    for name in ("one", "two", "three", "four", "five", "six", "deep/seven", "unused"):
        (folder / f"{name}.py").write_text(f"NAME = {name!r}\n")
    for name in (".", "deep"):
        (folder / name / "__init__.py").touch()
    return folder


ENTRY = """
from __future__ import annotations
import os, pack.one
from . import (  # a comment )
    two as other,
)
try:
    from .three import NAME
except ImportError:
    NAME = None
if NAME: from pack.four import *
class Late:
    def run(self):
        match self:
            case None:
                from \\
                    .five import NAME
        with open(NAME):
            from .deep.seven import NAME
# from .unused import NAME
"from .unused import NAME"
"""


def test_every_form_of_import_is_seen(package: Path) -> None:
    (package / "entry.py").write_text(ENTRY)
    (package / "five.py").write_text("from . import six\n")
    needed = ("entry", "one", "two", "three", "four", "five", "six", "deep/seven")
    before = digest_below(package, "pack.entry")
    assert before is not None
    for name in needed:
        path = package / f"{name}.py"
        text = path.read_text()
        path.write_text(f"{text}# edited\n")
        assert digest_below(package, "pack.entry") != before, name
        path.write_text(text)
    (package / "unused.py").write_text("# edited\n")
    assert digest_below(package, "pack.entry") == before


def test_modules_that_import_each_other_come_to_an_end(package: Path) -> None:
    (package / "one.py").write_text("from . import two\n")
    (package / "two.py").write_text("from . import one\n")
    assert digest_below(package, "pack.one") is not None


def test_versions_of_other_packages_count(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "one.py").write_text("import os\nfrom numpy.linalg import norm\n")
    (package / "two.py").write_text("import os\n")
    before = {name: digest_below(package, name) for name in ("pack.one", "pack.two")}
    monkeypatch.setattr(source, "_version", lambda name: f"another {name}")
    assert digest_below(package, "pack.one") != before["pack.one"]
    assert digest_below(package, "pack.two") == before["pack.two"]


@pytest.mark.parametrize("module", ["pack.missing", "__main__", "numpy", "pack.one.NAME"])
def test_what_has_no_source_here_has_no_digest(package: Path, module: str) -> None:
    assert digest_below(package, module) is None


def test_a_source_that_cannot_be_read_gives_no_digest(package: Path) -> None:
    (package / "one.py").write_text("from . import two\n")
    (package / "two.py").write_text("def broken(:\n")
    assert digest_below(package, "pack.one") is None
