"""`molt analysis`: how the texts of a collection become terms."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder

DEFAULT = {"language": "english", "stop_words": None, "fold": True, "compounds": [], "weights": {}}


@pytest.fixture(autouse=True)
def _shop(molt: Molt, hashing: list[HashingEncoder], tmp_path: Path) -> None:
    """A collection `shop` of one document."""
    path = tmp_path / "shop.jsonl"
    path.write_text(json.dumps({"id": "a", "text": "schöne Häuser"}) + "\n")
    assert molt("import", "shop", str(path)).status == 0


def shown(molt: Molt) -> dict[str, Any]:
    found: dict[str, Any] = molt("--json", "analysis", "show", "shop").value
    return found


def test_what_is_set_is_kept_and_what_is_not_said_is_as_by_default(
    molt: Molt, tmp_path: Path
) -> None:
    assert shown(molt) == {"analysis": DEFAULT, "analysis_followed": True}
    (tmp_path / "words").write_text("Haus\nschön\n", encoding="utf-8")
    options = ["--language", "german", "--weight", "title=2", "--weight", "a=b=0.5", "--accents"]
    options += ["--compounds", str(tmp_path / "words"), "--stop-words", str(tmp_path / "words")]
    assert molt("analysis", "set", "shop", *options).status == 0
    words = ["haus", "schön"]
    assert shown(molt) == {
        "analysis": {
            "language": "german",
            "stop_words": words,
            "fold": False,
            "compounds": words,
            "weights": {"title": 2.0, "a=b": 0.5},
        },
        "analysis_followed": False,
    }
    assert "weights\ta=b=0.5, title=2" in molt("analysis", "show", "shop").stdout
    assert molt("analysis", "set", "shop").status == 0
    assert shown(molt) == {"analysis": DEFAULT, "analysis_followed": True}


def test_the_index_follows_when_it_is_written_next(molt: Molt, tmp_path: Path) -> None:
    assert molt("analysis", "set", "shop", "--language", "german").status == 0
    more = tmp_path / "more.jsonl"
    more.write_text(json.dumps({"id": "b", "text": "ein Haus"}) + "\n")
    assert molt("import", "shop", str(more)).status == 0
    assert shown(molt)["analysis_followed"] is True
    found = molt("--json", "search", "shop", "Haus", "--mode", "lexical").value
    assert {hit["id"] for hit in found["hits"]} == {"a", "b"}


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--language", "klingon"], 1, "analysis.language must be none or one of arabic"),
        (["--weight", "title"], 2, "is 'title'; write a field and a number"),
        (["--weight", "title=x"], 2, "is 'title=x'; write a field and a number"),
        (["--weight", "title=nan"], 1, "analysis.weights.title must be a number"),
    ],
)
def test_what_cannot_be_is_said(molt: Molt, options: list[str], status: int, said: str) -> None:
    refused = molt("analysis", "set", "shop", *options)
    assert (refused.status, said in refused.stderr) == (status, True), refused.stderr
    assert shown(molt)["analysis"] == DEFAULT
