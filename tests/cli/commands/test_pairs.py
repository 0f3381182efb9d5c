from contextlib import closing
from pathlib import Path

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.judgments import Pair
from molt.index.files import open_source
from tests.cli.conftest import Molt

PAIRS = [
    Pair("boots", "a boot\nfor rain", negative="a tent", split="train"),
    Pair("boots", '["a boot"]', "d1", score=0.9),
    Pair("tent", "[", negative='["a", "b"]'),
    Pair("tent", None, "d2"),
]


@pytest.fixture
def shop(home: Path) -> str:
    home.mkdir()
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.judgments.put(catalog.collections.create("shop"), pairs=PAIRS)
    return "shop"


def kept(home: Path) -> list[Pair]:
    with closing(open_catalog(home_url(home))) as catalog:
        return catalog.judgments.pairs(catalog.collections.get("shop"))


def test_pairs_are_listed_on_a_line_each_and_chosen(molt: Molt, shop: str) -> None:
    lines = molt(
        "pairs", "list", shop, "--kind", "contrast", "--query", "boots"
    ).stdout.splitlines()
    assert lines[0] == "id\tquery\tpositive\tdocument\tnegative\tscore\tsplit"
    assert [line.split("\t")[1:] for line in lines[1:]] == [
        ["boots", "a boot for rain", "-", "a tent", "-", "train"]
    ]
    cut = molt("--json", "pairs", "list", shop, "--limit", "3")
    assert (len(cut.value["pairs"]), cut.value["more"]) == (3, True)
    assert "more than 3" in molt("pairs", "list", shop, "--limit", "3").stderr


def test_pairs_are_counted_by_their_kind(molt: Molt, shop: str) -> None:
    assert molt("--json", "pairs", "count", shop).value == {
        "pairs": 4, "kinds": {"contrast": 2, "positive": 1, "scored": 1}
    }  # fmt: skip
    assert "pairs: contrast\t2" in molt("judgments", "count", shop).stdout


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz", "test-queries.jsonl"])
def test_pairs_that_are_exported_are_read_back_as_they_were(
    molt: Molt, shop: str, home: Path, tmp_path: Path, name: str
) -> None:
    done = molt("pairs", "export", shop, str(tmp_path / name))
    if name == "test-queries.jsonl":
        assert (done.status, "would not be read back as it was" in done.stderr) == (1, True)
        assert not (tmp_path / name).exists()
        return
    assert list(open_source(tmp_path / name).pairs()) == kept(home)
    again = molt("pairs", "export", shop, str(tmp_path / name))
    assert (again.status, "is there already" in again.stderr) == (1, True)


def test_pairs_are_exported_to_lines_alone(molt: Molt, shop: str, tmp_path: Path) -> None:
    done = molt("pairs", "export", shop, str(tmp_path / "p.csv"))
    assert (done.status, "end the name in .jsonl" in done.stderr) == (1, True)


def test_pairs_are_deleted_by_ids_and_by_what_they_say(molt: Molt, shop: str, home: Path) -> None:
    listed = molt("--json", "pairs", "list", shop, "--query", "tent").value["pairs"]
    ids = [one["id"] for one in listed]
    assert molt("--json", "pairs", "delete", shop, *ids, "--yes").value == {"deleted": 2}
    assert {one.query for one in kept(home)} == {"boots"}
    assert molt("--json", "pairs", "delete", shop, "--kind", "scored", "-y").value == {"deleted": 1}
    assert kept(home) == [PAIRS[0]]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (["delete", "shop", "-y"], "name what to delete"),
        (["delete", "shop", "zz", "-y"], "32 hexadecimal digits"),
        (["delete", "shop", "--kind", "triplet", "-y"], "--kind takes positive, contrast, scored"),
    ],
)
def test_a_deletion_that_does_not_say_what_deletes_nothing(
    molt: Molt, shop: str, home: Path, how: list[str], said: str
) -> None:
    done = molt("pairs", *how)
    assert (done.status, said in done.stderr) == (1, True)
    assert len(kept(home)) == len(PAIRS)
    assert shop == "shop"
