"""The shape of the package: which way imports point, what importing costs, what is public."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import nullcontext
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import spinprint

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "spinprint"

ORDER = (
    # the way of the data: a stage imports those before it, never those after it
    "errors",
    "text",
    "files",
    "cache",
    "source",
    "settings",
    "records",
    "streams",
    "parallel",
    "memory",
    "room",
    "paths",
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


FILES = sorted(set(PACKAGE.rglob("*.py")) - {PACKAGE / "__init__.py", PACKAGE / "__main__.py"})
"""All but the front door, which may lead everywhere."""


def stage_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def stages() -> list[str]:
    entries = [*PACKAGE.glob("*.py"), *(p.parent for p in PACKAGE.glob("*/__init__.py"))]
    return sorted({stage_of(path) for path in entries} - {"__init__", "__main__"})


class Import(NamedTuple):
    """A name that a file imports from the package, at the top level or inside a function."""

    line: int
    target: tuple[str, ...]
    """Module and name, as in ("spinprint", "physics", "simulate", "simulate")."""
    types_only: bool
    """Whether only a type checker sees it."""


def imports(path: Path) -> Iterator[Import]:
    """Every import of the package's own modules, also inside functions."""
    package = ("spinprint", *path.relative_to(PACKAGE).parts[:-1])
    tree = ast.parse(path.read_text())
    unseen = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
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
                yield Import(node.lineno, target, node in unseen)


def imported_stages(path: Path) -> Iterator[tuple[int, str]]:
    """Line and stage of every import of the package's own modules."""
    return ((line, home(target[1])) for line, target, _ in imports(path))


def home(name: str) -> str:
    """The stage of a name imported from the package: itself, or where a public name lives."""
    stages = (stage for stage, names in spinprint._STAGES.items() if name in names)
    return next(stages, name).partition(".")[0]


def test_every_stage_has_its_place_in_the_order() -> None:
    assert set(stages()) <= set(ORDER), "add the new stage to ORDER, where its data flows"


def test_public_names_are_listed_in_the_order_of_the_stages() -> None:
    listed = list(spinprint._STAGES)
    assert listed == sorted(listed, key=lambda stage: ORDER.index(stage.partition(".")[0]))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_back_along_the_data(path: Path) -> None:
    stage = stage_of(path)
    reach = ORDER[: ORDER.index(stage) + 1]
    forward = [f"line {line}: {to}" for line, to in imported_stages(path) if to not in reach]
    assert not forward, f"{stage} imports a later stage"


def module_of(path: Path) -> tuple[str, ...]:
    """The dotted name of a file, in parts."""
    parts = ("spinprint", *path.relative_to(PACKAGE).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" else parts


def module_imports() -> dict[tuple[str, ...], set[tuple[str, ...]]]:
    """The modules that each module imports while the program runs."""
    paths = {module_of(path): path for path in PACKAGE.rglob("*.py")}
    return {
        module: {
            target if target in paths else target[:-1]
            for _, target, types_only in imports(path)
            if not types_only
        }
        for module, path in paths.items()
    }


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Neither at the top level nor inside functions."""
    try:
        TopologicalSorter(module_imports()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(".".join(module) for module in error.args[1][::-1]))


def private_uses(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every private module or name of another stage that a file uses."""
    modules = {module_of(path) for path in PACKAGE.rglob("*.py")}
    imported: dict[str, str] = {}  # modules of other stages, by their name in this file
    for line, target, _ in imports(path):
        if target[1] == stage_of(path):
            continue
        if any(is_private(part) for part in target):
            yield line, ".".join(target)
        if target in modules:
            imported[target[-1]] = ".".join(target)
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            continue
        if node.value.id in imported and is_private(node.attr):
            yield node.lineno, f"{imported[node.value.id]}.{node.attr}"


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_stages_use_public_names_of_other_stages_only(path: Path) -> None:
    assert not [f"line {line}: {name}" for line, name in private_uses(path)]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty package in place of the real one."""
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "spinprint")
    (tmp_path / "spinprint" / "physics" / "kernels").mkdir(parents=True)
    (tmp_path / "spinprint" / "physics" / "__init__.py").touch()
    return tmp_path / "spinprint"


def test_the_import_parser_sees_all_forms(package: Path) -> None:
    path = package / "physics" / "kernels" / "fast.py"
    path.write_text(
        "import spinprint.cli\nfrom spinprint import io, Maps\nfrom ...report import figures\n"
        "from ..epg import pulse\nfrom ... import errors\nimport numpy\nfrom os import path\n"
        "def later():\n    from ...estimators.matching import Match\n"
    )
    expected = [(1, "cli"), (2, "io"), (2, "maps"), (3, "report"), (4, "physics"), (5, "errors")]
    assert sorted(imported_stages(path)) == [*expected, (9, "estimators")]


@pytest.mark.parametrize(
    ("line", "circle"),
    [
        ("from .second import name", True),
        ("from . import second", True),
        ("def later():\n    from .second import name", True),
        ("if TYPE_CHECKING:\n    from .second import name", False),
        ("import numpy", False),
    ],
)
def test_circles_are_found_also_inside_functions(package: Path, line: str, circle: bool) -> None:
    (package / "physics" / "first.py").write_text(line)
    (package / "physics" / "second.py").write_text("from ..tissue import Tissue")
    (package / "tissue.py").write_text("import spinprint.physics.first")
    with pytest.raises(CycleError) if circle else nullcontext():
        TopologicalSorter(module_imports()).prepare()


def test_private_names_of_another_stage_are_found(package: Path) -> None:
    (package / "report.py").touch()
    path = package / "physics" / "first.py"
    path.write_text(
        "from ..report import _hidden, __doc__\nfrom .. import report\nfrom .._report import name\n"
        "from .second import _own\nreport._hidden\nreport.__name__\nreport.shown._hidden\n"
    )
    assert sorted(private_uses(path)) == [
        (1, "spinprint.report._hidden"),
        (3, "spinprint._report.name"),
        (5, "spinprint.report._hidden"),
    ]


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
