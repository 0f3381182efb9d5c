import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from molt.encoder import Checkpoint
from molt.index.ranking.ranking import DEFAULT_RANKING
from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder

KINDS = ("warm", "light", "cheap", "red", "old", "small")
SUBJECTS = ("boots", "gloves", "tents", "lamps", "ropes", "stoves")
ACTIVE = HashingEncoder()
OTHER = HashingEncoder(max_length=3)


@pytest.fixture
def shop(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collection `shop` of 36 documents; each of its 36 queries asks for one of them."""
    names = [(kind, subject) for kind in KINDS for subject in SUBJECTS]
    write_lines(
        tmp_path / "shop" / "corpus.jsonl",
        [
            {"_id": f"{kind}-{subject}", "text": f"{kind} {subject} sold here", "shop": subject}
            for kind, subject in names
        ],
    )
    write_lines(
        tmp_path / "shop" / "queries.jsonl",
        [{"_id": f"q{at}", "text": f"{kind} {subject} {at} please", "metadata": {"kind": kind}}
         for at, (kind, subject) in enumerate(names)],
    )  # fmt: skip
    for split, share in (("train", range(12)), ("dev", range(12, 20)), ("test", range(20, 36))):
        lines = [f"q{at}\t{names[at][0]}-{names[at][1]}\t1\n" for at in share]
        path = tmp_path / "shop" / "qrels" / f"{split}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("query-id\tcorpus-id\tscore\n" + "".join(lines))
    assert molt("import", "shop", str(tmp_path / "shop")).status == 0
    known = {each.checkpoint.id: each for each in (ACTIVE, OTHER)}
    monkeypatch.setattr(
        "molt.encoder.store.CheckpointStore.open", lambda _, wanted: known[wanted].checkpoint
    )
    monkeypatch.setattr(
        "molt.encoder.store.CheckpointStore.path", lambda store, wanted: store.root / wanted
    )
    monkeypatch.setattr(
        "molt.training.evaluation.measurement.open_encoder", lambda one, **_: reopened(known, one)
    )


def reopened(known: dict[str, HashingEncoder], checkpoint: Checkpoint) -> HashingEncoder:
    known[checkpoint.id].closed = False
    return known[checkpoint.id]


def write_lines(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.usefixtures("shop")
def test_the_active_checkpoint_is_measured_alone(molt: Molt) -> None:
    done = molt("evaluate", "shop")
    assert done.status == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines[0] == ["checkpoint", "measure", "mean", "low", "high"]
    assert [line[:2] for line in lines[1:]] == [
        [ACTIVE.checkpoint.id, name] for name in ("nDCG@10", "RR@10", "AP", "P@10", "R@10", "R@100")
    ]
    assert "without a baseline" in done.stderr


@pytest.mark.usefixtures("shop")
def test_another_checkpoint_is_compared_with_the_active_one(molt: Molt, home: Path) -> None:
    asked = ("evaluate", "shop", "--checkpoint", OTHER.checkpoint.id, "--mode", "dense")
    value = molt("--json", *asked).lines[-1]
    assert (value["event"], value["split"], value["queries"]) == ("done", "test", 16)
    assert value["baseline"] == ACTIVE.checkpoint.id
    (candidate,) = value["candidates"]
    assert candidate["outcome"] == "worse"
    assert candidate["measures"]["nDCG@10"]["difference"] < 0
    assert Path(value["path"]) == home / "reports" / value["report"]
    assert (home / "reports" / value["report"] / "report.json").is_file()


@pytest.mark.usefixtures("shop")
def test_what_serves_is_the_whole_search_and_the_encoder_alone_is_told_beside_it(
    molt: Molt,
) -> None:
    done = molt("--json", "evaluate", "shop", "--checkpoint", OTHER.checkpoint.id)
    value = done.lines[-1]
    (candidate,) = value["candidates"]
    assert (value["mode"], candidate["ranking"]) == ("hybrid", DEFAULT_RANKING.describe())
    assert candidate["measures"]["nDCG@10"]["mean"] > candidate["alone"]["nDCG@10"]
    said = molt("evaluate", "shop", "--checkpoint", OTHER.checkpoint.id).stderr
    assert "That is of the whole search; the encoder alone: nDCG@10" in said
    alone = molt("--json", "evaluate", "shop", "--mode", "dense").lines[-1]
    assert (alone["mode"], alone["candidates"][0]["alone"]) == ("dense", None)


@pytest.mark.usefixtures("shop")
def test_judgments_of_test_alone_are_measured(molt: Molt, tmp_path: Path) -> None:
    for split in ("train", "dev"):
        (tmp_path / "shop" / "qrels" / f"{split}.tsv").unlink()
    assert molt("import", "tested", str(tmp_path / "shop")).status == 0
    value = molt("--json", "evaluate", "tested").lines[-1]
    assert (value["split"], value["queries"]) == ("test", 16)
    refused = molt("evaluate", "tested", "--split", "dev")
    assert (refused.status, "no query is left for dev" in refused.stderr) == (1, True)


@pytest.mark.usefixtures("shop")
def test_the_baseline_and_the_split_can_be_chosen(molt: Molt) -> None:
    ids = (ACTIVE.checkpoint.id, OTHER.checkpoint.id)
    value = molt(
        "--json", "evaluate", "shop", "--checkpoint", ids[0], "--baseline", ids[1], "--split", "dev"
    ).lines[-1]
    assert (value["baseline"], value["queries"]) == (ids[1], 8)


@pytest.mark.usefixtures("shop")
def test_the_verdict_and_the_report_s_path_are_told_on_standard_error(
    molt: Molt, tmp_path: Path
) -> None:
    out = tmp_path / "elsewhere"
    asked = ("--checkpoint", OTHER.checkpoint.id, "--mode", "dense", "--out", str(out))
    done = molt("evaluate", "shop", *asked)
    (folder,) = out.iterdir()
    assert "Worse. nDCG@10 falls by" in done.stderr
    assert f"Report: {folder / 'report.html'}" in done.stderr
    assert {line.count("\t") for line in done.stdout.splitlines()} == {7}


@pytest.mark.usefixtures("shop")
def test_the_page_has_the_slices_the_groups_and_the_data(molt: Molt, tmp_path: Path) -> None:
    done = molt(
        "evaluate", "shop", "--slice", "kind", "--group", "shop", "--out", str(tmp_path / "out")
    )
    assert done.status == 0, done.stderr
    (page,) = (tmp_path / "out").glob("*/report.html")
    text = page.read_text()
    assert "By kind" in text
    assert "Exposure by shop" in text
    assert "<h2>Data</h2>" in text


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("shoop",), 1, "shoop"),
        (("shop", "--slice", "colour"), 1, "kind"),
        (("shop", "--group", "colour"), 1, "shop"),
        (("shop", "--split", "exam"), 2, "exam"),
    ],
)
def test_a_wrong_evaluation_says_what_is_wrong(
    molt: Molt, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = molt("evaluate", *arguments)
    assert done.status == status
    assert message in done.stderr
    assert "unexpected" not in done.stderr


def test_an_unknown_checkpoint_is_refused_with_those_there_are(
    molt: Molt, hashing: list[HashingEncoder]
) -> None:
    molt("collections", "create", "empty")
    done = molt("evaluate", "empty", "--checkpoint", "0123456789abcdef")
    assert done.status == 1
    assert "no checkpoint '0123456789abcdef'" in done.stderr


def test_evaluating_loads_no_torch() -> None:
    program = """
import sys
import molt.training.data.prepare, molt.training.data.sources
import molt.training.evaluation.evaluate, molt.training.evaluation.store
print("torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.usefixtures("shop")
def test_a_checkpoint_that_was_trained_with_another_split_is_named(
    molt: Molt, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at, one in enumerate((ACTIVE, OTHER)):
        trained = replace(
            one.checkpoint,
            data={"collection": "shop"},
            training={"data": {"split_seed": at}},
        )
        monkeypatch.setattr(one, "checkpoint", trained)
    pair = ("--checkpoint", OTHER.checkpoint.id, "--baseline", ACTIVE.checkpoint.id)
    done = molt("evaluate", "shop", *pair)
    assert done.status == 0
    assert f"{OTHER.checkpoint.id} may have learnt from queries of this split" in done.stderr
