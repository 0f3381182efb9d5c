"""What `molt import` makes of training files: kept whole, said aloud, the same when done again."""

from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.judgments import Judgment, Pair
from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder


def kept(home: Path) -> list[Pair]:
    with closing(open_catalog(home_url(home))) as catalog:
        return catalog.judgments.pairs(catalog.collections.get("shop"))


def test_negatives_and_scores_are_kept_and_importing_again_changes_nothing(
    molt: Molt, home: Path, tmp_path: Path, hashing: list[HashingEncoder]
) -> None:
    (tmp_path / "triplets.csv").write_text("query,positive,negative,note\nq,p,n,x\n")
    (tmp_path / "sts.tsv").write_text("sentence1\tsentence2\tscore\nq\tp\t5\nq\tn\t1\n")
    files = [str(tmp_path / name) for name in ("triplets.csv", "sts.tsv")]
    done = molt("--json", "import", "shop", *files)
    assert done.status == 0, done.stderr
    assert done.lines[-1]["pairs"] == 3
    found = kept(home)
    assert {*found} == {
        Pair("q", "p", negative="n"), Pair("q", "p", score=1.0), Pair("q", "n", score=0.2)
    }  # fmt: skip
    assert 'triplets.csv: 1 row: the column "note" is not kept' in done.stderr
    assert "sts.tsv: scores are kept divided by their largest, 5" in done.stderr
    assert molt("import", "shop", *files).status == 0
    assert kept(home) == found


def test_a_dry_run_says_what_becomes_of_each_column(molt: Molt, home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("anchor,pos,neg_1,neg_2,label,doc_id,note\nq,p,n,m,1,d,x\n")
    (tmp_path / "qrels.tsv").write_text(
        "query-id\tcorpus-id\tscore\tsplit\tnote\nq\td\t1\tdev\tx\n"
    )
    (tmp_path / "queries.csv").write_text("id,text,lang\nq,a,en\n")
    names = ("a.csv", "qrels.tsv", "queries.csv")
    done = molt("--json", "import", "shop", "--dry-run", *(str(tmp_path / one) for one in names))
    roles = [
        {column["name"]: column["role"] for column in line["columns"]}
        for line in done.lines
        if line["event"] == "survey"
    ]
    assert roles == [
        {"anchor": "query", "pos": "answers", "neg_1": "does not answer",
         "neg_2": "does not answer", "label": "left out", "doc_id": "document", "note": "left out"},
        {"query-id": "query", "corpus-id": "document", "score": "grade", "split": "split",
         "note": "left out"},
        {"id": "id", "text": "text", "lang": "metadata"},
    ]  # fmt: skip
    assert not home.exists()


@pytest.mark.parametrize("first", ["good.parquet", "torn.parquet"])
def test_of_two_files_of_which_one_is_damaged_the_damage_is_named_and_a_new_try_ends_whole(
    molt: Molt, home: Path, tmp_path: Path, hashing: list[HashingEncoder], first: str
) -> None:
    good, torn = tmp_path / "good.parquet", tmp_path / "torn.parquet"
    pl.DataFrame({"query": ["q"], "positive": ["p"]}).write_parquet(good)
    pl.DataFrame({"query": ["r"], "positive": ["s"]}).write_parquet(torn)
    whole = torn.read_bytes()
    torn.write_bytes(whole[:-9])
    files = [str(tmp_path / first), str(good if first == torn.name else torn)]
    dry = molt("import", "shop", "--dry-run", *files)
    done = molt("import", "shop", *files)
    for failed in (dry, done):
        assert failed.status == 1
        assert f"{torn}: cannot be read as Parquet" in failed.stderr
    torn.write_bytes(whole)
    assert molt("import", "shop", *files).status == 0
    assert {pair.query for pair in kept(home)} == {"q", "r"}


def test_the_split_of_a_file_that_names_none_is_named(
    molt: Molt, home: Path, tmp_path: Path, hashing: list[HashingEncoder]
) -> None:
    (tmp_path / "mine.csv").write_text("query,positive\nq,p\n")
    (tmp_path / "qrels.txt").write_text("q 0 d 1\n")
    (tmp_path / "qrels.dev.tsv").write_text("query-id\tcorpus-id\tscore\nq\te\t1\n")
    files = [str(tmp_path / name) for name in ("mine.csv", "qrels.txt", "qrels.dev.tsv")]
    done = molt("import", "shop", "--split", "Test", *files)
    assert done.status == 0, done.stderr
    assert "the name of the file says dev, which goes before test" in done.stderr
    assert kept(home) == [Pair("q", "p", split="test")]
    with closing(open_catalog(home_url(home))) as catalog:
        judged = catalog.judgments.graded(catalog.collections.get("shop"))
    assert judged == [Judgment("q", "d", 1, "test"), Judgment("q", "e", 1, "dev")]


@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_in_test_and_in_train_stays_held_out_in_whatever_order_files_are_named(
    molt: Molt, home: Path, tmp_path: Path, hashing: list[HashingEncoder], *, backwards: bool
) -> None:
    names = ["train.tsv", "test.tsv"]
    for name in names:
        (tmp_path / f"qrels.{name}").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
        (tmp_path / f"pairs.{name}").write_text("query\tpositive\nq\tp\n")
    files = [str(tmp_path / f"{kind}.{name}") for kind in ("qrels", "pairs") for name in names]
    done = molt("import", "shop", *(reversed(files) if backwards else files))
    assert done.status == 0, done.stderr
    assert [pair.split for pair in kept(home)] == ["test"]
    with closing(open_catalog(home_url(home))) as catalog:
        judged = catalog.judgments.graded(catalog.collections.get("shop"))
    assert judged == [Judgment("q", "d", 1, "test")]


def test_a_split_that_there_is_not_is_refused(molt: Molt, home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("query,positive\nq,p\n")
    done = molt("import", "shop", "--split", "fold1", str(tmp_path / "mine.csv"))
    assert (done.status, "--split takes train, dev, test, not fold1" in done.stderr) == (1, True)
    assert not home.exists()


def test_a_dataset_of_the_hub_that_is_not_in_the_cache_makes_no_collection(
    molt: Molt, home: Path
) -> None:
    done = molt("import", "shop", "hf://molt-tests/not-there")
    assert done.status == 1
    assert "hf://molt-tests/not-there cannot be had" in done.stderr
    assert not home.exists()


def test_a_dataset_of_the_hub_needs_the_train_extra(
    molt: Molt, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.cli.training.find_spec", lambda _name: None)
    done = molt("import", "shop", "hf://molt-tests/not-there")
    assert (done.status, "reading hf:// needs the train extra" in done.stderr) == (1, True)
    assert not home.exists()


def test_what_is_in_train_and_in_test_stays_in_test(
    molt: Molt, home: Path, tmp_path: Path, hashing: list[HashingEncoder]
) -> None:
    for split in ("dev", "test", "train"):
        folder = tmp_path / "data" / split
        folder.mkdir(parents=True)
        own = "q,p\n" if split != "dev" else ""
        (folder / "a.csv").write_text(f"query,positive\n{own}of {split},p\nof dev,p\n")
        (folder / "qrels.csv").write_text("query_id,doc_id,grade\nq,d,1\n")
    assert molt("import", "shop", str(tmp_path / "data")).status == 0
    assert {pair.query: pair.split for pair in kept(home)} == {
        "q": "test", "of dev": "test", "of test": "test", "of train": "train",
    }  # fmt: skip
    with closing(open_catalog(home_url(home))) as catalog:
        found = catalog.judgments.graded(catalog.collections.get("shop"))
    assert found == [Judgment("q", "d", 1, "test")]
