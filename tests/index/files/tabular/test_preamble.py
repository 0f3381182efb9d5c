from pathlib import Path

import pytest

from molt.index.files import open_source
from molt.index.files.options import ReadOptions
from molt.index.files.tabular.preamble import preamble_lines

HEADER = "id,title,text\n"


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ([HEADER, "1,a,b\n"], 0),
        (["Products,,\n", HEADER, "1,a,b\n"], 1),
        (["# exported 2026-01-01\n", HEADER, "1,a,b\n"], 1),
        (["Our products\n", "\n", "of May\n", HEADER, "1,a,b\n"], 3),
        (["Produkte;;\n", "id;name;preis\n", "1;a;2\n"], 1),
        (["text\n", "name, description\n", "one, two\n"], 1),
        (["text\n", "some words, and others\n", "more of them\n"], 0),
        (["Products, of May\n", "id;name;preis\n", "1;a;2\n"], 1),
        (["left,right\n", HEADER, "1,a,b\n"], 0),
        (["Products\n", HEADER, "1,a\n"], 0),
        (["Products\n", HEADER], 0),
        (["Products\n", "id,,text\n", "1,a,b\n"], 0),
        (["Products\n", "foo,bar\n", "1,a\n"], 0),
        (["x\n"] * 12 + [HEADER, "1,a,b\n"], 0),
        ([], 0),
    ],
)
def test_lines_before_the_one_that_names_columns_are_counted(lines: list[str], count: int) -> None:
    assert preamble_lines(lines, ReadOptions()) == count


def test_a_column_that_an_option_names_makes_a_header(tmp_path: Path) -> None:
    lines = ["Products\n", "foo,bar\n", "1,a\n"]
    assert preamble_lines(lines, ReadOptions(text_column="Bar")) == 1


def test_rows_after_a_preamble_are_read_with_their_lines_and_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Produkte;;\n\nid;name;text\n1;a;b\n2;c\n")
    told: list[str] = []
    bad: list[object] = []
    source = open_source(path, reject=bad.append, options=ReadOptions(tell=told.append))
    assert [(one.id, one.title, one.text) for one in source.documents()] == [("1", "a", "b")]
    assert [getattr(error, "line", None) for error in bad] == [5]
    assert [said.split(": ", 1)[1] for said in told] == [
        "lines before the one that names the columns are left out: 2 (Produkte;;)",
        "its cells are separated by semicolons",
    ]
