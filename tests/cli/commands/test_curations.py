"""`molt curations`."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder


@pytest.fixture(autouse=True)
def _shop(molt: Molt, hashing: list[HashingEncoder], tmp_path: Path) -> None:
    """A collection `shop` of two documents."""
    path = tmp_path / "shop.jsonl"
    rows = [{"id": "a", "text": "warm boots"}, {"id": "b", "text": "a tent"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert molt("import", "shop", str(path)).status == 0


def hits(molt: Molt) -> list[str]:
    return [hit["id"] for hit in molt("--json", "search", "shop", "boots").value["hits"]]


def test_what_is_pinned_comes_first_until_its_curation_is_deleted(molt: Molt) -> None:
    assert hits(molt) == ["a", "b"]
    kept = molt("--json", "curations", "set", "shop", "Boots", "--pin", "b").value
    assert kept == {"query": "boots", "pinned": ["b"], "hidden": []}
    assert hits(molt) == ["b", "a"]
    assert "boots\tb\t" in molt("curations", "list", "shop").stdout
    assert molt("curations", "delete", "shop", "BOOTS").status == 0
    assert hits(molt) == ["a", "b"]


def test_what_is_hidden_does_not_come(molt: Molt) -> None:
    assert molt("curations", "set", "shop", "boots", "--hide", "a").status == 0
    assert hits(molt) == ["b"]


def test_a_curation_that_says_nothing_and_one_that_is_not_there_are_errors(molt: Molt) -> None:
    assert molt("curations", "set", "shop", "boots").status == 1
    gone = molt("curations", "delete", "shop", "boots")
    assert (gone.status, "molt curations list" in gone.stderr) == (1, True)
