import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from molt.engine.settings import load_settings
from molt.index.catalog.catalog import home_url, open_catalog
from tests.cli.conftest import Molt, flip_last_byte
from tests.server import MOLT


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A home with a checkpoint and three indexed documents."""
    folder = tmp_path_factory.mktemp("check")
    rows = ({"id": str(n), "text": f"text {n}"} for n in range(3))
    (folder / "docs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for arguments in (
        ("checkpoints", "add", str(tiny_checkpoint)),
        ("import", "docs", str(folder / "docs.jsonl")),
    ):
        subprocess.run([MOLT, "--home", folder / "home", *arguments], check=True)
    return folder / "home"


@pytest.fixture
def filled(original: Path, home: Path) -> Path:
    """A copy of that home; what is never edited in place is linked."""
    shutil.copytree(original, home, copy_function=_linked_unless_catalog)
    return home


def _linked_unless_catalog(source: str, target: str) -> None:
    if "catalog.sqlite3" in source:
        shutil.copyfile(source, target)
    else:
        Path(target).hardlink_to(source)


def test_a_sound_home_passes(molt: Molt, filled: Path) -> None:
    checked = molt("--json", "check")
    assert (checked.status, checked.value) == (0, {"ok": True, "problems": []})
    assert "as it was written" in molt("check").stderr


@pytest.mark.parametrize(
    "pattern", ["checkpoints/*/model.safetensors", "generations/*/segments/*/vectors.npy"]
)
def test_a_flipped_bit_is_found_and_named(molt: Molt, filled: Path, pattern: str) -> None:
    (damaged,) = filled.glob(pattern)
    flip_last_byte(damaged)
    checked = molt("check")
    assert checked.status == 1
    assert str(damaged) in checked.stdout


def test_a_default_that_is_missing_is_damage(molt: Molt, filled: Path) -> None:
    with closing(open_catalog(home_url(filled))) as catalog:
        catalog.aliases.set("default", "0" * 16)
    checked = molt("--json", "check")
    assert checked.status == 1
    assert checked.value["problems"][0]["path"].endswith("0" * 16)


def test_a_leftover_is_listed_and_is_no_damage(molt: Molt, filled: Path) -> None:
    (filled / "generations" / ".half").mkdir()
    checked = molt("--json", "check")
    assert (checked.status, checked.value["ok"]) == (0, True)
    assert [problem["severity"] for problem in checked.value["problems"]] == ["leftover"]


def test_a_directory_without_a_catalog_is_no_home(molt: Molt, tmp_path: Path) -> None:
    checked = molt("check", "--home", str(tmp_path))
    assert checked.status == 1
    assert "no home" in checked.stderr
    assert not load_settings(home=tmp_path).home.joinpath("catalog.sqlite3").exists()


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_lost_catalog_is_the_damage_and_is_not_made_anew(
    molt: Molt, filled: Path, lose: Callable[[Path], object]
) -> None:
    lose(filled / "catalog.sqlite3")
    before = sorted(filled.rglob("*"))
    checked = molt("check")
    assert checked.status == 1
    assert "molt restore" in checked.stdout
    assert "remove" not in checked.stdout
    for arguments in (
        ("search", "docs", "text"),
        ("collections", "create", "new"),
        ("keys", "list"),
    ):
        refused = molt(*arguments)
        assert refused.status == 1
        assert "restore a backup" in refused.stderr
    assert sorted(filled.rglob("*")) == before


def test_a_damaged_queue_is_damage(molt: Molt, filled: Path) -> None:
    (filled / "jobs.sqlite3").write_bytes(os.urandom(20_000))
    checked = molt("check")
    assert checked.status == 1
    assert "jobs.sqlite3" in checked.stdout.replace("\n", "")
