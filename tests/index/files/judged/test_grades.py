from pathlib import Path

import polars as pl
import pytest

from molt.index.catalog.judgments import Judgment, Query
from molt.index.files import RowError, Source, open_source


def judged(path: Path, grades: list[str]) -> tuple[Source, list[int], list[RowError]]:
    rows = "".join(f"q,d{at},{grade}\n" for at, grade in enumerate(grades))
    path.write_text("query_id,doc_id,relevance\n" + rows)
    bad: list[RowError] = []
    source = open_source(path, reject=bad.append)
    return source, [one.grade for one in source.judgments()], bad


@pytest.mark.parametrize(
    ("given", "kept", "said"),
    [
        ("0 1 3", [0, 1, 3], None),
        ("0.0 1.0 -2", [0, 1, 0], "a grade below 0 became 0"),
        ("0 0.25 1", [0, 25, 100], "parts of 100: 1 is 100"),
        ("1 2.33 3", [33, 78, 100], "parts of 100: 3 is 100"),
        ("-1 0 0.5", [0, 50, 75], "from -1 to 1 are kept as 0 to 100"),
    ],
)
def test_grades_of_every_scale_are_kept_and_it_is_said(
    tmp_path: Path, given: str, kept: list[int], said: str | None
) -> None:
    source, found, bad = judged(tmp_path / "qrels.csv", given.split())
    assert (found, bad) == (kept, [])
    assert [(said or "") in one for one in source.remarks] == ([] if said is None else [True])


def test_a_rare_fraction_among_whole_numbers_is_a_mistake(tmp_path: Path) -> None:
    _, found, bad = judged(tmp_path / "qrels.csv", ["1"] * 20 + ["1.5"])
    assert found == [1] * 20
    assert [(one.line, one.reason) for one in bad] == [(22, "score is 1.5, not a whole number")]


def test_fractions_that_go_below_minus_1_are_of_no_scale(tmp_path: Path) -> None:
    _, found, bad = judged(tmp_path / "qrels.csv", ["0.5", "-3", "2"])
    assert found == [0, 2]
    assert [one.line for one in bad] == [2]


def test_grades_in_words_are_numbers_and_it_is_said(tmp_path: Path) -> None:
    source, found, bad = judged(tmp_path / "label.csv", ["Exact", "Partial", "Irrelevant", "so"])
    assert found == [2, 1, 0]
    assert [one.line for one in bad] == [5]
    assert 'the grade "Partial" is kept as 1' in "".join(source.remarks)


def test_the_text_of_a_query_beside_its_judgments_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "esci.parquet"
    columns = {
        "query_id": [7, 7, 8, None],
        "query": ["boots", "boots", None, "x"],
        "product_id": ["B0", "B1", "B0", "B2"],
        "esci_label": ["E", "I", "S", "C"],
        "product_locale": ["us"] * 4,
    }
    pl.DataFrame(columns).write_parquet(path)
    bad: list[RowError] = []
    source = open_source(path, reject=bad.append)
    assert list(source.queries()) == [Query("7", "boots")]
    assert bad == []
    assert list(source.judgments()) == [
        Judgment("7", "B0", 3), Judgment("7", "B1", 0), Judgment("8", "B0", 2)
    ]  # fmt: skip
    assert [one.line for one in bad] == [4]
    assert 'the column "product_locale" is not kept' in "".join(source.remarks)
    assert '"query"' not in "".join(source.remarks)
