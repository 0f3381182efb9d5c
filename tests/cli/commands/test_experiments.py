from pathlib import Path

import pytest

from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder


@pytest.fixture
def shop(molt: Molt, hashing: list[HashingEncoder], tmp_path: Path) -> str:
    """A collection with a document."""
    (tmp_path / "boots.jsonl").write_text('{"id": "d1", "text": "warm boots"}\n')
    assert molt("import", "shop", str(tmp_path / "boots.jsonl")).status == 0
    return "shop"


def test_an_experiment_is_begun_shown_and_stopped(molt: Molt, shop: str) -> None:
    begun = molt("--json", "experiment", "start", shop, "--a", "mode=dense", "--share", "0.2")
    assert begun.status == 0, begun.stderr
    assert (begun.value["number"], begun.value["share"]) == (1, 0.2)
    assert begun.value["a"] == {"generation": None, "mode": "dense", "rerank": "tuned"}
    header, row = molt("experiment", "show", shop).stdout.splitlines()
    assert header.split("\t")[:4] == ["number", "state", "a", "b"]
    assert row.split("\t")[:6] == ["1", "running", "mode=dense", "what serves", "0", "0"]
    stopped = molt("--json", "experiment", "stop", shop, "--reason", "seen enough").value
    assert (stopped["state"], stopped["reason"]) == ("ended", "seen enough")
    assert molt("--json", "experiment", "show", shop).value == {"experiments": [stopped]}


def test_what_cannot_be_compared_is_told_with_what_to_do(molt: Molt, shop: str) -> None:
    nothing = molt("experiment", "start", shop)
    assert nothing.status == 1
    assert "no earlier generation on disk" in nothing.stderr
    wrong = molt("experiment", "start", shop, "--a", "speed=1")
    assert wrong.status == 1
    assert "write generation=..., mode=..., rerank=..." in wrong.stderr
    none = molt("experiment", "stop", shop)
    assert none.status == 1
    assert "`molt experiment start` begins one" in none.stderr


def test_a_collection_without_an_experiment_says_how_to_begin_one(molt: Molt, shop: str) -> None:
    assert "molt experiment start" in molt("experiment", "show", shop).stderr
