"""The lock files hold what pyproject.toml asks for, agree with each other, and leave nothing open.

`make lock` renews them.
"""

import re
import tomllib
from importlib.metadata import requires, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.locks import REQUIREMENTS, entries, pins
from tests.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = ("build", "clients", "serve", "weights", "train", "dev", "torch-cpu", "torch-cuda", "tools")
BY_HAND = {"molt-search", "torch"}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_of_a_lock_is_one_version_with_its_hashes(lock: str) -> None:
    lines = entries(lock)
    assert lines
    for entry in lines:
        assert re.fullmatch(r"[\w.-]+==[\w.+]+( ; .+?)?( --hash=sha256:[0-9a-f]{64})+", entry), (
            entry
        )


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        ("serve", PROJECT["dependencies"] + EXTRAS["openvino"]),
        ("train", PROJECT["dependencies"] + EXTRAS["openvino"] + EXTRAS["train"]),
        ("dev", PROJECT["dependencies"] + [one for extra in EXTRAS.values() for one in extra]),
    ],
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, asked: list[str]) -> None:
    pinned = pins(lock)
    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        if name not in BY_HAND:
            assert name in pinned, f"`make lock` has not been run since {name} was added"
            assert requirement.specifier.contains(pinned[name]), f"{requirement}: `make lock`"


@pytest.mark.parametrize("smaller", ["build", "serve", "weights", "train"])
def test_what_is_tested_is_what_is_served_and_trained_with(smaller: str) -> None:
    tested = pins("dev")
    beyond = {"pip": pins("build")["pip"]}
    assert pins(smaller).items() <= (tested | beyond).items()


def test_what_serves_installs_nothing_of_training() -> None:
    assert not pins("serve").keys() & {"torch", "transformers", "sentence-transformers", "nncf"}


def test_torch_is_the_same_version_in_every_place_that_names_one() -> None:
    (asked,) = (one for one in EXTRAS["train"] if one.startswith("torch"))
    told = tomllib.loads((REQUIREMENTS / "uv.toml").read_text())["dependency-metadata"]
    (described,) = (one for one in told if one["name"] == "torch")
    assert asked == f"{described['name']}=={described['version']}"
    for lock in ("torch-cpu", "torch-cuda"):
        assert asked == f"torch=={pins(lock)['torch'].removesuffix('+cpu')}"


def test_what_is_told_of_the_needs_of_a_version_is_told_of_the_one_that_is_pinned() -> None:
    described = tomllib.loads((REQUIREMENTS / "uv.toml").read_text())["dependency-metadata"]
    pinned = pins("train") | {"torch": pins("torch-cpu")["torch"].removesuffix("+cpu")}
    assert described
    for one in described:
        assert pinned[canonicalize_name(one["name"])] == one["version"], one["name"]


def test_what_torch_needs_has_the_same_version_whichever_build_is_installed() -> None:
    trained = pins("train")
    shared = pins("torch-cuda").keys() & trained.keys()
    assert {"sympy", "networkx", "setuptools"} <= shared
    assert {name: trained[name] for name in shared}.items() <= pins("torch-cuda").items()


@pytest.mark.parametrize("lock", ["train", "dev"])
def test_what_the_installed_torch_needs_is_locked(lock: str) -> None:
    build = "torch-cpu" if version("torch").endswith("+cpu") else "torch-cuda"
    locked = pins(build) | pins(lock)
    for needed in map(Requirement, requires("torch") or []):
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            assert needed.specifier.contains(locked[canonicalize_name(needed.name)]), needed


@pytest.mark.parametrize("lock", ["serve", "train", "dev"])
def test_no_lock_but_that_of_torch_with_cuda_brings_cuda(lock: str) -> None:
    assert not [name for name in pins(lock) if name.startswith(("nvidia", "cuda", "triton"))]


def test_a_build_of_torch_for_cpus_brings_nothing_else() -> None:
    assert pins("torch-cpu").keys() == {"torch"}
