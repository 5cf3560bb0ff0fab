"""The shape of the package: which way imports point, what importing costs, what is public."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import spinprint

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "spinprint"

ORDER = (
    # the way of the data: a stage imports those before it, never those after it
    "errors",
    "files",
    "cache",
    "source",
    "settings",
    "parallel",
    "memory",
    "simd",
    "device",
    "parameters",
    "sequence",
    "tissue",
    "prior",
    "coordinates",
    "physics",
    "dictionary",
    "networks",
    "maps",
    "estimators",
    "training",
    "simulation",
    "evaluation",
    "tuning",
    "report",
    "io",
    "workflows",
    "studies",
    "cli",
)


def stage_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def stages() -> list[str]:
    entries = [*PACKAGE.glob("*.py"), *(p.parent for p in PACKAGE.glob("*/__init__.py"))]
    return sorted({stage_of(path) for path in entries} - {"__init__", "__main__"})


def imported_stages(path: Path) -> Iterator[tuple[int, str]]:
    """Line and stage of every import of the package's own modules, also inside functions."""
    package = ("spinprint", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            targets = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            targets = [(*module, alias.name) for alias in node.names]
        else:
            continue
        for target in targets:
            if target[0] == "spinprint" and len(target) > 1:
                yield node.lineno, home(target[1])


def home(name: str) -> str:
    """The stage of a name imported from the package: itself, or where a public name lives."""
    stages = (stage for stage, names in spinprint._STAGES.items() if name in names)
    return next(stages, name).partition(".")[0]


def test_every_stage_has_its_place_in_the_order() -> None:
    assert set(stages()) <= set(ORDER), "add the new stage to ORDER, where its data flows"


def test_public_names_are_listed_in_the_order_of_the_stages() -> None:
    listed = list(spinprint._STAGES)
    assert listed == sorted(listed, key=lambda stage: ORDER.index(stage.partition(".")[0]))


@pytest.mark.parametrize(
    "path",
    # The front door, `__init__`, may lead everywhere.
    sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py", PACKAGE / "__main__.py"}),
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_imports_point_back_along_the_data(path: Path) -> None:
    stage = stage_of(path)
    reach = ORDER[: ORDER.index(stage) + 1]
    forward = [f"line {line}: {to}" for line, to in imported_stages(path) if to not in reach]
    assert not forward, f"{stage} imports a later stage"


def test_the_import_parser_sees_all_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    path = tmp_path / "physics" / "kernels" / "fast.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import spinprint.cli\nfrom spinprint import io, Maps\nfrom ...report import figures\n"
        "from ..epg import pulse\nfrom ... import errors\nimport numpy\nfrom os import path\n"
        "def later():\n    from ...estimators.matching import Match\n"
    )
    found = [(1, "cli"), (2, "io"), (2, "maps"), (3, "report"), (4, "physics"), (5, "errors")]
    assert sorted(imported_stages(path)) == [*found, (9, "estimators")]


def test_importing_spinprint_loads_nothing_heavy() -> None:
    code = (
        "import sys, spinprint; dir(spinprint);"
        "print([m for m in ('torch', 'numba', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("stage", spinprint._STAGES)
def test_public_names_are_sorted_within_their_stage(stage: str) -> None:
    names = list(spinprint._STAGES[stage])
    assert names == sorted(names, key=sort_key)


def sort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: the order ruff keeps in `__all__`."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("name", spinprint.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(spinprint, name) is not None
    assert name in dir(spinprint)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'spinprint' has no attribute 'nothing'"):
        _ = spinprint.nothing


def test_test_folders_mirror_the_stages() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    # Contracts run on all members of a kind, whatever stage they live in.
    assert folders - {"contracts"} <= set(stages())


def test_the_changelog_opens_with_the_version_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().split("\n") if "## " in line]
    assert headings[0] == f"## {version}"


def test_contributing_has_a_sentence_for_every_stage() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    missing = [s for s in stages() if f"`{s}/`" not in text and f"`{s}.py`" not in text]
    assert not missing


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md"])
def test_links_to_files_lead_somewhere(file: str) -> None:
    text = (ROOT / file).read_text()
    targets = [part.split(")")[0] for part in text.split("](")[1:]]
    assert all((ROOT / target).exists() for target in targets if "://" not in target)
