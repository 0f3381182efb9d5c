from pathlib import Path

import pytest

from molt.index.files import ReadProgress, RowError, open_source
from molt.index.files.options import ReadOptions
from molt.index.files.row import Row
from molt.index.files.tabular.amounts import read_amount
from molt.index.files.tabular.delimited import read_csv

GUESSED = ReadOptions()


def _column(
    path: Path, cells: list[str], *, name: str = "price", options: ReadOptions = GUESSED
) -> list[object]:
    path.write_text(f"text|{name}\n" + "".join(f"t|{cell}\n" for cell in cells))
    rows = read_csv(path, ReadProgress(), options)
    return [row.values.get(name) if isinstance(row, Row) else row.reason for row in rows]


NOTHING = [
    "nan",
    "NaN",
    "NULL",
    "N/A",
    "n/a",
    "NA",
    "None",
    "#N/A",
    "<NA>",
    "-",
    "inf",
    "-Infinity",
]


def test_words_for_nothing_leave_a_column_of_numbers_one_and_are_counted(tmp_path: Path) -> None:
    told: list[str] = []
    options = ReadOptions(tell=told.append)
    found = _column(tmp_path / "a.csv", ["12.5", *NOTHING, "3"], options=options)
    assert found == [12.5, *[None] * len(NOTHING), 3.0]
    assert any("price: 12 cells without a number (nan, NaN, NULL, N/A; first on line 3)" in each
               for each in told)  # fmt: skip


def test_words_for_nothing_in_a_column_of_text_stay_and_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    options = ReadOptions(tell=told.append)
    found = _column(tmp_path / "a.csv", ["acme", "NaN", "N/A"], options=options)
    assert found == ["acme", "NaN", "N/A"]
    assert any("the words NaN, N/A are kept as text" in each for each in told)


def test_a_few_texts_among_numbers_make_no_number_a_text_and_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    options = ReadOptions(tell=told.append)
    found = _column(tmp_path / "a.csv", ["1", "2.5", "on request", "4", "nan"], options=options)
    assert found == [1, 2.5, "on request", 4, None]
    assert any("3 cells with a number, 1 with text (on request on line 4)" in each
               for each in told)  # fmt: skip


def test_a_third_of_texts_still_leaves_the_numbers_numbers(tmp_path: Path) -> None:
    cells = ["10", "n/a", "12", "?", "11", "TBD", "9", "8"]
    assert _column(tmp_path / "a.csv", cells) == [10, None, 12, "?", 11, "TBD", 9, 8]


def test_a_column_that_became_text_says_because_of_which_line(tmp_path: Path) -> None:
    told: list[str] = []
    options = ReadOptions(tell=told.append)
    assert _column(tmp_path / "a.csv", ["1", "2", "a", "b"], options=options)[0] == "1"
    assert any("price: kept as text, since line 4 has a" in each for each in told)


def test_a_leading_zero_makes_codes_of_all_numbers(tmp_path: Path) -> None:
    assert _column(tmp_path / "a.csv", ["01234", "99999", "1", "2"]) == ["01234", "99999", "1", "2"]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1.234,50", "12,00", "7"], [1234.5, 12.0, 7]),
        (["1,234.50", "12.00", "1,200"], [1234.5, 12.0, 1200]),
        (["1.234", "9,5"], [1234, 9.5]),
        (["12,50 €", "€ 3", "EUR 1.000,25", "-4,5"], [12.5, 3, 1000.25, -4.5]),
        (["1 234,5", "1\u00a0000,5", "1\u202f000,5", "1'000,5"], [1234.5, 1000.5, 1000.5, 1000.5]),
        (["1.234.567", "2,5"], [1234567, 2.5]),
        (["1,234,567", "2.5"], [1234567, 2.5]),
        (["9007199254740993", "1,5"], [9007199254740993, 1.5]),
        (["1,5", "ask us", "n/a"], [1.5, "ask us", None]),
    ],
)
def test_amounts_are_read_by_the_decimal_mark_of_their_column(
    tmp_path: Path, cells: list[str], numbers: list[object]
) -> None:
    options = ReadOptions(number_columns=("Price",), delimiter="|")
    assert _column(tmp_path / "a.csv", cells, options=options) == numbers


def test_an_amount_with_two_meanings_is_told_with_the_one_it_got(tmp_path: Path) -> None:
    told: list[str] = []
    options = ReadOptions(number_columns=("price",), tell=told.append)
    path = tmp_path / "a.csv"
    path.write_text('text,price\nt,"1,200"\nt,35\n')
    rows = list(read_csv(path, ReadProgress(), options))
    assert [row.values["price"] for row in rows if isinstance(row, Row)] == [1200, 35]
    assert any("1,200 on line 2 is read as 1200" in each for each in told)


def test_without_the_option_decimal_commas_stay_text_and_the_option_is_named(
    tmp_path: Path,
) -> None:
    told: list[str] = []
    options = ReadOptions(tell=told.append)
    assert _column(tmp_path / "a.csv", ["120,50", "35,00"], options=options) == ["120,50", "35,00"]
    assert any("(120,50 on line 2); pass --number" in each for each in told)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["3.9", "3.10", "3.1"], "since line 4 has 3.1 beside 3.10"),
        (["1e5", "123"], "since line 2 has 1e5 among integers"),
    ],
)
def test_versions_and_codes_that_look_like_numbers_stay_text_and_are_told(
    tmp_path: Path, cells: list[str], said: str
) -> None:
    told: list[str] = []
    options = ReadOptions(tell=told.append)
    assert _column(tmp_path / "a.csv", cells, options=options) == cells
    assert any(f"price: kept as text, {said}" in each for each in told)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1.0", "1", "1.00"], [1, 1, 1]),
        (["1e+05", "123"], [1e5, 123]),
        (["1e5", "1.5", "3"], [1e5, 1.5, 3]),
        (["1.50", "2.25", "1.50"], [1.5, 2.25, 1.5]),
    ],
)
def test_numbers_as_programs_write_them_stay_numbers(
    tmp_path: Path, cells: list[str], numbers: list[float]
) -> None:
    assert _column(tmp_path / "a.csv", cells) == numbers


def test_a_long_cell_of_a_number_column_is_text_at_once(tmp_path: Path) -> None:
    cell = "-" + " " * 30_000 + "x"
    options = ReadOptions(number_columns=("price",))
    assert _column(tmp_path / "a.csv", ["1,5", cell], options=options) == [1.5, cell]


@pytest.mark.parametrize("cell", ["1,2,3.4.5", "1..2", "abc", "", "1,23,4", "9" * 200, "1.5e3"])
def test_what_is_no_amount_is_none(cell: str) -> None:
    assert read_amount(cell, mark=".") is None


@pytest.mark.parametrize(
    ("cells", "ids"),
    [
        (["1.0", "2.0", "30.0"], ["1", "2", "30"]),
        (["1", "2.0"], ["1", "2"]),
        (["9007199254740993.0", "1.0"], ["9007199254740993", "1"]),
        (["1.0", "1e+16"], ["1", "10000000000000000"]),
        (["3.9", "3.10", "4.0"], ["3.9", "3.10", "4.0"]),
        (["1e3", "2e3"], ["1e3", "2e3"]),
        (["007", "1.0"], ["007", "1.0"]),
        (["1.0", "d7"], ["1.0", "d7"]),
        ([str(2**70), str(2**70 + 1)], [str(2**70), str(2**70 + 1)]),
    ],
)
def test_ids_of_a_column_of_whole_numbers_are_whole_numbers(
    tmp_path: Path, cells: list[str], ids: list[str]
) -> None:
    assert _column(tmp_path / "a.csv", cells, name="id") == ids


def test_of_two_ids_that_become_one_the_second_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,a\n2.0,b\n1.0,c\n3,d\n")
    rows = list(read_csv(path, ReadProgress()))
    (bad,) = (row for row in rows if isinstance(row, RowError))
    assert (bad.line, bad.reason) == (4, "id 1.0 is the id 1 of line 2; rename one of them")
    assert [row.values["id"] for row in rows if isinstance(row, Row)] == ["1", "2", "3"]


def test_a_document_may_be_judged_often_in_either_spelling(tmp_path: Path) -> None:
    path = tmp_path / "qrels.csv"
    path.write_text("query_id,doc_id,grade\nq,1,1\np,1.0,1.0\n")
    rows = [row for row in read_csv(path, ReadProgress()) if isinstance(row, Row)]
    assert [row.values["doc_id"] for row in rows] == ["1", "1"]


def test_ids_of_products_are_numbers_beside_another_id(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text,product_id,sku\na,x,5,007\n")
    (row,) = read_csv(path, ReadProgress())
    assert isinstance(row, Row)
    assert row.values == {"id": "a", "text": "x", "product_id": 5, "sku": "007"}
    path.write_text("product_id,text\n5.0,x\n6.0,y\n")
    assert [one.id for one in open_source(path).documents()] == ["5", "6"]
