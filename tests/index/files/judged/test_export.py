from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molt.index.catalog.judgments import Judgment, Query
from molt.index.files import open_source
from molt.index.files.judged import export
from molt.index.files.judged.export import (
    RelevanceExportError,
    export_folder,
    export_judgments,
    export_queries,
)

AWKWARD = ["1.0", "2.0", "007", " a", "b ", 'quo"te', '"q"', "a,b", "a;b", "NA", "1e3", "é", "a'b"]
IDS = st.sampled_from(AWKWARD) | st.text("01. \",;'aé#-", min_size=1, max_size=4)
TEXTS = st.text("ab \"',\r\n\té", min_size=1, max_size=9).filter(str.strip)
SPLITS = st.sampled_from([None, "train", "dev", "test", "fold1", "all", "x test", "none"])
METADATA = st.dictionaries(st.sampled_from(["a", "text", "1.0"]), st.integers() | TEXTS, max_size=2)


@st.composite
def known(draw: st.DrawFn) -> tuple[list[Query], list[Judgment]]:
    named = draw(st.lists(st.tuples(IDS, TEXTS), max_size=4, unique_by=lambda one: one[0]))
    queries = [
        Query(name, text, {"deep": [1, {"x": None}]} if len(text) > 4 else {})
        for name, text in sorted(named)
    ]
    judged = draw(st.dictionaries(st.tuples(IDS, IDS), st.tuples(st.integers(0, 100), SPLITS)))
    return queries, [Judgment(*ids, *judged[ids]) for ids in sorted(judged)]


def by_ids(judgments: list[Judgment]) -> list[Judgment]:
    return sorted(judgments, key=lambda one: (one.query_id, one.doc_id))


@settings(max_examples=40, deadline=None)
@given(known())
def test_what_is_exported_is_read_back_identically(
    data: tuple[list[Query], list[Judgment]],
) -> None:
    queries, judgments = data
    with TemporaryDirectory() as place:
        folder, table, lines = (Path(place) / name for name in ("set", "a.csv", "a.jsonl"))
        export_folder(queries, judgments, folder)
        source = open_source(folder)
        assert list(source.queries()) == queries
        assert by_ids(list(source.judgments())) == judgments
        if judgments:
            export_judgments(judgments, lines)
            assert list(open_source(lines).judgments()) == judgments
            with suppress(RelevanceExportError):
                export_judgments(judgments, table)
            assert not table.exists() or list(open_source(table).judgments()) == judgments
        assert not [path for path in Path(place).iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("end", ["jsonl", "csv", "tsv"])
def test_ids_as_people_have_them_are_kept_by_every_format(tmp_path: Path, end: str) -> None:
    ids = ["a b", "007", 'quo"te', "it's", "http://x.y/?a=1,2", "é", "-1"]
    judgments = [Judgment(f"q {one}", one, 1, "Exam") for one in sorted(ids)]
    export_judgments(judgments, tmp_path / f"mine.{end}")
    assert list(open_source(tmp_path / f"mine.{end}").judgments()) == judgments


def test_a_name_that_names_a_split_is_refused_where_judgments_have_none(tmp_path: Path) -> None:
    with pytest.raises(RelevanceExportError, match="d for q would be read back otherwise"):
        export_judgments([Judgment("q", "d", 1)], tmp_path / "test.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_queries_under_a_name_that_does_not_say_so_are_refused(tmp_path: Path) -> None:
    queries = [Query("q", "a", {"n": 1})]
    for name in ("foo.jsonl", "qrels-queries.jsonl"):
        with pytest.raises(RelevanceExportError, match=r"as in .*-queries\.jsonl"):
            export_queries(queries, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    export_queries(queries, tmp_path / "foo-queries.jsonl")
    assert list(open_source(tmp_path / "foo-queries.jsonl").queries()) == queries


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    for name in ("set", "a.csv", "a.jsonl"):
        (tmp_path / name).write_text("mine")
    for write in (
        lambda: export_folder([], [], tmp_path / "set"),
        lambda: export_judgments([], tmp_path / "a.csv"),
        lambda: export_queries([], tmp_path / "a.jsonl"),
    ):
        with pytest.raises(RelevanceExportError, match="is there already"):
            write()
    assert {path.read_text() for path in tmp_path.iterdir()} == {"mine"}


def test_an_unknown_end_of_a_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(RelevanceExportError, match=r"\.jsonl, \.csv, \.tsv"):
        export_judgments([], tmp_path / "a.xml")
    with pytest.raises(RelevanceExportError, match=r"\.jsonl"):
        export_queries([], tmp_path / "a.csv")


def test_an_export_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(export, "_write_plain", fail)
    judgments = [Judgment("q", "d", 1, "test")]
    with pytest.raises(OSError, match="disk is gone"):
        export_folder([Query("q", "a")], judgments, tmp_path / "set")
    with pytest.raises(OSError, match="disk is gone"):
        export_judgments(judgments, tmp_path / "a.tsv")
    assert list(tmp_path.iterdir()) == []
