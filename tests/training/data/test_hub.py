"""Datasets of the hub, from the library's cache: nothing is fetched."""

from pathlib import Path

import datasets
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from datasets.exceptions import DatasetNotFoundError

from molt.index.catalog.judgments import Pair
from molt.index.files import open_source
from molt.training.data.hub import HubDataset, read_hub_name, save_hub_dataset
from molt.training.errors import DataError

INFERENCES = Features(
    {
        "premise": Value("string"),
        "hypothesis": Value("string"),
        "label": ClassLabel(names=["entailment", "neutral", "contradiction"]),
    }
)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("hf://sentence-transformers/stsb", HubDataset("sentence-transformers/stsb")),
        ("hf://BeIR/scifact/corpus", HubDataset("BeIR/scifact", "corpus")),
        ("hf:corpus.jsonl", None),
        ("data/hf/corpus.jsonl", None),
    ],
)
def test_a_name_of_a_dataset_is_told_from_a_path(given: str, wanted: HubDataset | None) -> None:
    assert read_hub_name(Path(given)) == wanted


@pytest.mark.parametrize("given", ["hf://stsb", "hf://a/b/c/d"])
def test_a_name_that_none_has_is_refused(given: str) -> None:
    with pytest.raises(DataError, match="write hf://owner/name"):
        read_hub_name(Path(given))


def test_all_splits_are_read_as_the_folder_that_the_library_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"premise": ["a", "a"], "hypothesis": ["b", "c"], "label": [0, -1]}
    made = Dataset.from_dict(rows, features=INFERENCES)
    asked: list[tuple[object, ...]] = []
    found = DatasetDict({"train": made, "validation": made})

    def load(*given: object) -> DatasetDict:
        asked.append(given)
        return found

    monkeypatch.setattr(datasets, "load_dataset", load)
    save_hub_dataset(HubDataset("owner/nli", "en"), tmp_path / "saved")
    assert asked == [("owner/nli", "en")]
    bad: list[object] = []
    assert list(open_source(tmp_path / "saved", reject=bad.append).pairs()) == [
        Pair("a", "b", score=1.0, split="train"), Pair("a", "b", score=1.0, split="dev"),
    ]  # fmt: skip
    assert len(bad) == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionError("offline"), "Without a connection to the hub only what is in the cache"),
        (DatasetNotFoundError("Dataset 'o/n' doesn't exist"), "doesn't exist"),
        (
            ValueError("Config name is missing.\nPlease pick one: ['en']\nExample of usage:\n\tx"),
            r"pick one: \['en'\]. Write its name behind: hf://o/n/NAME",
        ),
    ],
)
def test_a_dataset_that_cannot_be_had_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def refuse(*_given: object) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(DataError, match=said):
        save_hub_dataset(HubDataset("o/n"), tmp_path / "saved")


def test_a_dataset_that_is_not_in_the_cache_is_not_fetched_offline(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="hf://molt-tests/not-there cannot be had"):
        save_hub_dataset(HubDataset("molt-tests/not-there"), tmp_path / "saved")
