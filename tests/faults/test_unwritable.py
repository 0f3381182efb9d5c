"""A home that this user, or the file system, lets only be read: nothing of it is called damaged."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import MOLT, make_home

Prefix = list[str]
COMMANDS = {
    "serve": ("serve", "--port", "0"),
    "worker": ("worker",),
    "search": ("search", "shop", "boots"),
    "collections": ("collections", "list"),
    "documents": ("documents", "get", "shop", "d1"),
    "keys": ("keys", "list"),
    "import": ("import", "shop", "NEW"),
    "checkpoints": ("checkpoints", "list"),
    "jobs": ("jobs", "list"),
    "retrain": ("retrain", "shop"),
    "prune": ("prune", "--yes"),
    "backup": ("backup", "AWAY"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A home with a document, which nobody has open."""
    made = make_home(tmp_path_factory.mktemp("unwritable") / "home", tiny_checkpoint)
    documents = made.parent / "documents.jsonl"
    documents.write_text('{"id": "d1", "text": "warm boots"}\n')
    done = asked([], made, "import", "shop", str(documents))
    assert done.returncode == 0, done.stderr
    return made


def asked(prefix: Prefix, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = [
        str(home.parent / {"NEW": "documents.jsonl", "AWAY": "backup"}.get(each, each))
        if each in {"NEW", "AWAY"}
        else each
        for each in arguments
    ]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "MOLT_WORKER__START": "false"}
    command = [*prefix, str(MOLT), "--home", str(home), *given]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, timeout=120
    )


@pytest.fixture
def without_right(home: Path) -> Iterator[Prefix]:
    """How a command is run that may read the home and not write to it."""
    prefix: Prefix = []
    if os.geteuid() == 0:  # whom modes bind only without these
        if shutil.which("setpriv") is None:
            pytest.skip("as root this needs setpriv, to give the rights of root away")
        lost = "-dac_override,-dac_read_search,-fowner"
        prefix = ["setpriv", f"--bounding-set={lost}", f"--inh-caps={lost}"]
    modes = {place: place.stat().st_mode for place in (home, *home.rglob("*"))}
    for place, mode in modes.items():
        place.chmod(mode & ~0o222)
    yield prefix
    for place, mode in modes.items():
        place.chmod(mode)


@pytest.fixture
def mounted(home: Path) -> Prefix:
    """How a command is run that sees the home on a file system that is mounted read-only."""
    if shutil.which("unshare") is None:
        pytest.skip("this needs unshare, for a mount that nobody else sees")
    script = f'mount --bind "{home}" "{home}" && mount -o remount,ro,bind "{home}" && exec "$@"'
    inside = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    prefix = ["unshare", *inside, "sh", "-c", script, "sh"]
    if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount anything here")
    return prefix


def said_of(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that failed says last, which is all that a reader has to know."""
    assert done.returncode == 1, (done.stdout, done.stderr)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: "), done.stderr
    for word in ("damaged", "unexpected", "Traceback", "OperationalError"):
        assert word not in done.stderr
    return last


@pytest.mark.promise("P3", "a home that can only be read")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_home_without_the_right_to_write_is_told_as_that(
    home: Path, without_right: Prefix, command: str
) -> None:
    said = said_of(asked(without_right, home, *COMMANDS[command]))
    assert re.search(rf"may not write to {home}|{home}/[\w.]+\.lock: permission denied", said)
    assert "run as" in said


@pytest.mark.promise("P3", "a home that can only be read")
@pytest.mark.parametrize("command", ["serve", "search", "import"])
def test_a_home_on_a_read_only_file_system_is_told_as_that(
    home: Path, mounted: Prefix, command: str
) -> None:
    said = said_of(asked(mounted, home, *COMMANDS[command]))
    assert "mounted read-only" in said
    assert str(home) in said


@pytest.mark.promise("P3", "a home that can only be read")
@pytest.mark.parametrize("how", ["without_right", "mounted"])
def test_a_check_of_a_home_that_can_only_be_read_finds_no_damage(
    home: Path, how: str, request: pytest.FixtureRequest
) -> None:
    done = asked(request.getfixturevalue(how), home, "check")
    assert done.returncode == 0, done.stdout
    assert "not checked" in done.stdout
    assert "damage " not in done.stdout


def test_a_catalog_of_somebody_else_in_a_home_of_ours_is_read_and_not_written(
    home: Path, without_right: Prefix
) -> None:
    home.chmod(0o700)
    listed = asked(without_right, home, "collections", "list")
    assert "shop" in listed.stdout, listed.stderr
    said = said_of(asked(without_right, home, "collections", "create", "other"))
    assert f"may not write to {home / 'catalog.sqlite3'}" in said
