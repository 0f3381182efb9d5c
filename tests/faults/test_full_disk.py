"""A disk that is full at one write after another, of the catalog, of vectors and of words."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.filling import WHY
from tests.paths import ROOT


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> list[dict[str, Any]]:
    """What became of each write; see `tests/faults/filling.py`."""
    if shutil.which("unshare") is None:
        pytest.skip("this needs unshare, for a mount that nobody else sees")
    folder = tmp_path_factory.mktemp("filled")
    program = [sys.executable, "-m", "tests.faults.filling", str(folder), str(tiny_checkpoint)]
    command = ["unshare", "--mount", *program]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if found == [{}] or (not found and "unshare" in done.stderr):
        pytest.skip("this system lets nobody mount anything here")
    assert done.returncode == 0, done.stderr
    return found


@pytest.mark.promise("P5", "a disk that is full or fails")
def test_whichever_write_finds_the_disk_full_nothing_is_lost_and_all_searches_go_on(
    filled: list[dict[str, Any]], tried: Callable[[int], None]
) -> None:
    tried(len(filled))
    assert {one["status"] for one in filled} == {200, 507}, "some fail at once, others later"
    for one in filled:
        assert (one["lost_while_full"], one["lost"], one["problems_after"]) == (0, 0, []), one


@pytest.mark.promise("P5", "a disk that is full or fails")
def test_what_cannot_be_indexed_for_want_of_room_is_told(filled: list[dict[str, Any]]) -> None:
    told = [problem for one in filled for problem in one["problems"]]
    for why in WHY.values():
        assert any(why in problem for problem in told), why
    assert all("space left" in problem or "worker thread" in problem for problem in told), told
