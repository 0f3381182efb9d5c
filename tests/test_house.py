"""The house as its contracts draw it: floors of a size, one meaning for a name, arrows one way."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import DOCS, PACKAGES, ROOT

MOST_MODULES = 21
MOST_LINES_OF_A_FUNCTION = 40
MOST_LINES_OF_A_MODULE = 300
MANY_LINES = 250
ALIKE = {
    "log": "each module has its own logger",
    "router": "each noun of the HTTP API has its own",
    "main": "each program begins with one",
    "show": "`molt checkpoints`, `config` and `jobs` each have a command of that name",
}
"""Public names that several modules may define, and why."""
BY_COMMAND = ("cli/commands", "worker/workflows.py", "worker/tasks", "app/server.py")
"""Where a command, a job and the task behind them go by the one name that users know."""
BY_ALEMBIC = "index/catalog/migrations"


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (path.relative_to(ROOT) for path in sorted((ROOT / package).rglob("*.py")))


def public_names(path: Path) -> Iterator[str]:
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.Assign():
                yield from (one.id for one in node.targets if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name()):
                yield node.target.id


def test_no_floor_has_more_modules_than_can_be_overlooked() -> None:
    crowded = {}
    for package in PACKAGES:
        for folder in [ROOT / package, *(ROOT / package).rglob("*/")]:
            rooms = [one for one in folder.iterdir() if (one / "__init__.py").exists()]
            files = [one for one in folder.glob("*.py") if not one.name.startswith("__")]
            if len(rooms) + len(files) > MOST_MODULES:
                crowded[str(folder.relative_to(ROOT))] = len(rooms) + len(files)
    assert crowded == {}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Of what it does: neither its parameters nor its docstring count."""
    documented = ast.get_docstring(function) is not None
    body = function.body[1:] if documented else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]


def test_a_function_can_be_read_at_one_look() -> None:
    long = {
        f"{path}: {function.name}": lines_of(function)
        for path in modules()
        for function in functions(path)
        if lines_of(function) > MOST_LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_modules_are_short_but_for_a_few() -> None:
    lines = {str(path): len((ROOT / path).read_text("utf-8").splitlines()) for path in modules()}
    assert {path: n for path, n in lines.items() if n > MOST_LINES_OF_A_MODULE} == {}
    long = [path for path, n in lines.items() if n > MANY_LINES]
    assert len(long) * 20 < len(lines), long


def test_a_public_name_means_one_thing_in_the_whole_house() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path in modules():
        if str(path).startswith(BY_ALEMBIC):
            continue
        for name in public_names(path):
            if not name.startswith("_") and name not in ALIKE:
                places[name].add(str(path))
    twice = {
        name: sorted(found)
        for name, found in places.items()
        if len([each for each in found if not each.startswith(BY_COMMAND)]) > 1
        or len([each for each in found if each.startswith("cli/commands")]) > 1
    }
    assert twice == {}


def test_every_package_and_floor_is_on_the_map() -> None:
    architecture = (DOCS / "architecture.md").read_text(encoding="utf-8")
    floors = {path.parent for path in modules() if path.name == "__init__.py"}
    missing = [
        str(floor)
        for floor in sorted(floors)
        if not str(floor).startswith((BY_ALEMBIC, "app/routes/"))
        and f"`{floor}/`" not in architecture
    ]
    assert missing == []


def test_the_map_names_nothing_that_is_not_there() -> None:
    architecture = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = {part.strip("`") for part in architecture.split() if part.endswith("/`")}
    packages = {name for name in named if name.split("/")[0] in PACKAGES}
    assert [name for name in sorted(packages) if not (ROOT / name).is_dir()] == []


def test_documents_name_modules_that_are_there() -> None:
    there = [f"/{path}" for path in _kept()]
    missing = {
        f"{document.relative_to(ROOT)}: {named}"
        for document in (*DOCS.glob("*.md"), *ROOT.glob("*.md"))
        for named in re.findall(r"`([\w./-]+\.py)`", document.read_text(encoding="utf-8"))
        if not any(path.endswith(f"/{named}") for path in there)
    }
    assert missing == set()


def _kept() -> Iterator[Path]:
    yield from modules()
    for folder in ("tests", "benchmarks"):
        yield from (path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.py"))


def test_what_tests_share_lies_in_no_module_of_tests() -> None:
    imported = {
        f"{path.relative_to(ROOT)}: {found}"
        for path in (ROOT / "tests").rglob("*.py")
        for found in re.findall(
            r"^from (tests\.\S*\btest_\w+) import", path.read_text("utf-8"), re.M
        )
    }
    assert imported == set()


PLANTED = {
    "molt/index/catalog/planted.py": "import molt.encoder.encoder",
    "molt/encoder/planted.py": "import molt.index.errors",
    "molt/engine/planted.py": "import molt.training.errors",
    "molt/training/planted.py": "import molt.engine.errors",
    "molt/app/planted.py": "import molt.worker.context",
    "molt/worker/planted.py": "import molt.app.server",
    "molt/artifact/planted.py": "import molt.index.errors",
    "molt/index/segments/planted.py": "import molt.index.generations.writer",
    "molt/index/catalog/planted_too.py": "import molt.index.segments.exact",
    "molt/index/jobs/planted.py": "import molt.index.files",
    "molt/index/lexical/planted.py": "import molt.index.generations.snapshot",
    "molt/index/segments/planted_too.py": "import molt.index.lexical.commit",
    "molt/app/http/planted.py": "import torch",
    "molt/engine/watch/planted.py": "import fastapi",
    "molt/worker/building.py": "import torch",
    "molt/worker/child.py": "import molt.worker.tasks.learning",
    "molt/app/errors.py": "import molt.app.application",
    "molt/engine/live/live_collections.py": "import molt.engine.engine",
    "molt/training/data/planted.py": "import molt.training.run",
    "molt/training/clicks/planted.py": "import molt.training.data.raw",
    "molt/worker/context.py": "import molt.worker.workflows",
    "molt/engine/planted_too.py": "import molt.cli.main",
    "molt/engine/sections.py": "import molt.engine.settings",
    "molt/index/selection/planted.py": "import molt.index.jobs.queue",
    "molt/index/errors.py": "import molt.index.catalog.catalog",
}
"""One violation for each arrow of the contracts: a module, and what it must not import."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules alone, in a place where they may be spoilt."""
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "assets", "templates")
        shutil.copytree(ROOT / package, folder / "molt" / package, ignore=ignored)
    shutil.copy(ROOT / "src" / "molt" / "__init__.py", folder / "molt")
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_every_arrow_that_is_not_allowed_is_found(copy: Path) -> None:
    before = {name: (copy / name).read_text() if (copy / name).exists() else "" for name in PLANTED}
    for name, violation in PLANTED.items():
        (copy / name).write_text(f"{before[name]}\n{violation}\n", encoding="utf-8")
    said = _linted(copy)
    for name, violation in PLANTED.items():
        importer = name.removesuffix(".py").replace("/", ".")
        imported = violation.removeprefix("import ")
        assert f"{importer} -> {imported}" in said, (importer, imported)
    for name, content in before.items():
        if content:
            (copy / name).write_text(content, encoding="utf-8")
        else:
            (copy / name).unlink()
    assert "0 broken" in _linted(copy)


def _linted(folder: Path) -> str:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--config", "pyproject.toml", "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
