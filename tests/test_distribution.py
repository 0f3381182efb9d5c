"""What is built for others holds the packages of the tree, as they are imported, and no more."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from molt import __version__
from tests.paths import ROOT

LINKS = {path.name: path for path in sorted((ROOT / "src" / "molt").iterdir()) if path.is_symlink()}
WITHOUT_PACKAGES = {
    "benchmarks",
    "clients",
    "demo",
    "distribution",
    "docs",
    "requirements",
    "src",
    "tests",
}


def tracked() -> list[Path]:
    """Files of the source tree that belong to it, relative to its root; links are files."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = dict.fromkeys(listed.split("\0"))
    paths = [Path(name) for name in names if name]
    return [path for path in paths if (ROOT / path).is_file() or (ROOT / path).is_symlink()]


def packaged() -> dict[str, bytes]:
    """The files of the tree that are part of molt: their path in a wheel, and their bytes."""
    inside = {}
    for path in tracked():
        if path.parts[0] in LINKS:
            inside[f"molt/{path}"] = (ROOT / path).read_bytes()
        elif path.parts[0] == "src" and not (ROOT / path).is_symlink():
            inside[str(path.relative_to("src"))] = (ROOT / path).read_bytes()
    return inside


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, as building leaves files in it."""
    copy = tmp_path_factory.mktemp("source")
    for path in tracked():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copy / path, follow_symlinks=False)
    return copy


def build(source: Path, out: Path, *kinds: str) -> None:
    """Build distributions of `source` into `out`, with what is installed here."""
    command = [sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", str(out)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel made from the tree."""
    out = tmp_path_factory.mktemp("wheel")
    build(source, out, "--wheel")
    return next(out.iterdir())


@pytest.fixture(scope="module")
def distributions(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist, and with the wheel that was made from that sdist alone."""
    out = tmp_path_factory.mktemp("distributions")
    build(source, out)
    return out


def contents(wheel: Path) -> dict[str, bytes]:
    """The files of a wheel, without what describes it."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        return {name: archive.read(name) for name in names if ".dist-info/" not in name}


def test_every_package_of_the_tree_is_linked_into_molt_by_a_relative_link() -> None:
    packages = {path.parts[0] for path in tracked() if path.suffix == ".py"} - WITHOUT_PACKAGES
    assert set(LINKS) == packages
    for name, link in LINKS.items():
        assert str(link.readlink()) == f"../../{name}"


def test_a_wheel_holds_the_packages_and_data_of_the_tree_and_nothing_else(wheel: Path) -> None:
    held, expected = contents(wheel), packaged()
    assert sorted(held) == sorted(expected)
    assert held == expected
    assert "molt/py.typed" in held
    assert [name for name in held if name.startswith("molt/app/pages/docs/assets/")]
    assert [name for name in held if name.startswith("molt/training/evaluation/templates/")]
    assert [name for name in held if name.startswith("molt/index/catalog/migrations/versions/")]


def test_an_sdist_holds_the_files_themselves_and_nothing_but_what_a_wheel_is_made_of(
    distributions: Path,
) -> None:
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as archive:
        members = [member for member in archive if not member.isdir()]
    held = [member.name.partition("/")[2] for member in members]
    beside = ["LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg"]
    beside.append("distribution/backend.py")
    made = [name for name in held if not name.startswith("src/molt_search.egg-info/")]
    assert sorted(made) == sorted([*beside, *(f"src/{name}" for name in packaged())])
    assert all(member.isreg() for member in members)


def test_a_wheel_made_from_an_sdist_is_the_one_made_from_the_tree(
    wheel: Path, distributions: Path
) -> None:
    assert contents(next(distributions.glob("*.whl"))) == contents(wheel)


def test_a_distribution_has_a_name_that_is_free_and_the_version_that_is_imported(
    distributions: Path,
) -> None:
    names = sorted(path.name for path in distributions.iterdir())
    assert names == [
        f"molt_search-{__version__}-py3-none-any.whl",
        f"molt_search-{__version__}.tar.gz",
    ]


def test_two_builds_are_the_same_bytes_whatever_the_times_and_rights_of_the_files(
    wheel: Path, distributions: Path, source: Path, tmp_path: Path
) -> None:
    for path in source.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600)
            os.utime(path, (1_700_000_000, 1_700_000_000))
    build(source, tmp_path, "--sdist")
    (again,) = tmp_path.iterdir()
    assert again.read_bytes() == next(distributions.glob("*.tar.gz")).read_bytes()
    assert wheel.read_bytes() == next(distributions.glob("*.whl")).read_bytes()


def test_a_tag_is_tested_built_twice_and_published_without_a_secret() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    steps = [step.get("run", "") for step in jobs["build"]["steps"]]
    assert steps.index(".ci/run") < next(at for at, run in enumerate(steps) if "make dist" in run)
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in text
    assert "molt_search-" in text
