"""The images are made of what is there and locked; the containers may do no more than they need."""

import re
from pathlib import Path

import pytest
import yaml

from tests.paths import ROOT

SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
INSTRUCTIONS = [
    line.split()
    for line in re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text()).splitlines()
    if line and not line.startswith("#")
]


def copied() -> list[str]:
    """What the Dockerfile copies out of the source tree."""
    return [
        source
        for name, *words in INSTRUCTIONS
        if name == "COPY" and not words[0].startswith("--from")
        for source in words[:-1]
    ]


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_into_an_image_exists_and_is_not_ignored(source: str) -> None:
    admitted = (ROOT / ".dockerignore").read_text().splitlines()
    assert (ROOT / source).exists()
    assert f"!{Path(source).parts[0]}" in admitted


def test_what_the_links_of_the_package_lead_to_is_copied_as_well() -> None:
    links = [path for path in (ROOT / "src" / "molt").iterdir() if path.is_symlink()]
    assert links
    assert {str(link.resolve().relative_to(ROOT)) for link in links} | {"src"} <= set(copied())


def test_an_image_installs_nothing_but_what_is_locked_and_molt_itself() -> None:
    installs = [" ".join(words) for words in INSTRUCTIONS if "pip" in words and "install" in words]
    assert installs
    for install in installs:
        assert "--no-deps" in install
        assert "--require-hashes" in install or "--no-index /wheels/molt_search-" in install


def test_a_change_to_the_source_reinstalls_nothing_but_molt() -> None:
    stages = " ".join(" ".join(words) + "\n" for words in INSTRUCTIONS).split("FROM ")[1:]
    (build,) = (stage for stage in stages if " AS build" in stage)
    assert build.index("pip install") < build.index("COPY src")
    for stage in (stage for stage in stages if stage != build):
        locked, _, molt = stage.partition("/wheels/molt_search-")
        assert "COPY src" not in stage
        assert "from=build" not in locked.rpartition("RUN")[0]
        assert "--require-hashes" not in molt


def test_every_image_is_made_of_the_one_base_that_can_be_pinned() -> None:
    (base,) = (words[1] for words in INSTRUCTIONS if words[0] == "ARG" and "BASE=" in words[1])
    named = base.partition("=")[2]
    assert f"BASE := {named}\n" in (ROOT / "Makefile").read_text()
    made_of = {words[1] for words in INSTRUCTIONS if words[0] == "FROM"}
    assert made_of - {words[-1] for words in INSTRUCTIONS if words[0] == "FROM"} == {"${BASE}"}


def test_what_was_fetched_for_one_image_is_kept_for_the_next() -> None:
    fetching = [words for words in INSTRUCTIONS if "--require-hashes" in words]
    assert fetching
    for words in fetching:
        assert words[1] == "--mount=type=cache,target=/root/.cache/pip"
        assert "--no-cache-dir" not in words


def test_each_image_says_whether_what_it_runs_lives() -> None:
    checks = " ".join(" ".join(words) for words in INSTRUCTIONS if words[0] == "HEALTHCHECK")
    assert '"molt", "worker", "--check"' in checks
    assert "/livez" in checks
    assert SERVICES["checkpoint"]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_writes_only_to_its_home_and_tmp_and_gains_no_rights(name: str) -> None:
    service = SERVICES[name]
    written = {volume.rpartition(":")[2] for volume in service["volumes"]}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert written | set(service.get("tmpfs", [])) == {"/var/lib/molt", "/tmp"}
    assert not service.keys() & {"privileged", "cap_add", "user", "network_mode", "pid"}


def test_every_image_runs_as_a_user_without_rights() -> None:
    built = {service["build"]["target"] for service in SERVICES.values()}
    stages = {stage[-1]: i for i, stage in enumerate(INSTRUCTIONS) if stage[0] == "FROM"}
    ends = [*sorted(stages.values()), len(INSTRUCTIONS)]
    assert built == {"serve", "train"}
    for stage in built:
        begin = stages[stage]
        end = next(index for index in ends if index > begin)
        assert ["USER", "molt"] in INSTRUCTIONS[begin:end]


def test_the_services_run_the_images_that_make_makes() -> None:
    assert "--target $$target --tag molt:$$target" in (ROOT / "Makefile").read_text()
    for service in SERVICES.values():
        assert service["image"] == f"molt:{service['build']['target']}"


def test_images_that_are_made_for_the_services_take_a_noted_base() -> None:
    (default,) = {
        words[0] for name, *words in INSTRUCTIONS if name == "ARG" and "BASE=" in words[0]
    }
    for service in SERVICES.values():
        base = service["build"]["args"]["BASE"]
        assert base == "${MOLT_BASE_IMAGE:-" + default.removeprefix("BASE=") + "}"
