import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from molt.index.files import SourceError, open_source
from molt.index.files.options import ReadOptions
from molt.index.files.tabular import sheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def write_xlsx(path: Path, rows: list[list[object]], sheets: tuple[str, ...] = ("one",)) -> Path:
    """A workbook whose sheets all hold `rows`: numbers, booleans and strings."""
    numbers = list(enumerate(sheets, 1))
    named = "".join(f'<sheet name="{s}" sheetId="{n}" r:id="r{n}"/>' for n, s in numbers)
    links = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/{n}.xml"/>'
        for n, _ in numbers
    )
    data = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{named}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}'
        "</Relationships>",
    }
    files |= {
        f"xl/worksheets/{n}.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData>'
        "</worksheet>"
        for n, _ in numbers
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _cell(value: object) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


def test_the_first_sheet_is_read_with_its_types_and_the_others_are_told(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["ID", "Name", "Description", "price", "ok", "zip"],
        [1, "Tent", "for two", 12.5, True, "01234"],
        [None, None, None, None, None, None],
        [2.0, "Stove", "burns <gas>", 7, False, "99999"],
    ]
    path = write_xlsx(tmp_path / "shop.xlsx", rows, ("shop", "old"))
    told: list[str] = []
    found = list(open_source(path, options=ReadOptions(tell=told.append)).documents())
    assert [(one.id, one.title, one.text) for one in found] == [
        ("1", "Tent", "for two"),
        ("2", "Stove", "burns <gas>"),
    ]
    assert found[0].metadata == {"price": 12.5, "ok": True, "zip": "01234"}
    assert told == [f"{path}: only the sheet shop is read, not old"]


@pytest.mark.parametrize("content", [b"PK\x03\x04not really", b"", b"id,text\n1,a\n"])
def test_what_is_no_spreadsheet_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="is no spreadsheet, or is damaged"):
        open_source(path)


def test_a_spreadsheet_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "MAX_UNPACKED_BYTES", 100)
    with pytest.raises(SourceError, match="more than 100 bytes; save it as CSV"):
        open_source(write_xlsx(tmp_path / "a.xlsx", [["id", "text"], [1, "x"]]))


def test_an_empty_sheet_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="first sheet is empty"):
        open_source(write_xlsx(tmp_path / "a.xlsx", []))


def test_rows_before_the_header_are_left_out_and_told(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Products of May", None, None], [None, None, None],
        ["id", "name", "description"], [1, "Boot", "warm"], [None, "Tent", "light"],
    ]  # fmt: skip
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    told: list[str] = []
    bad: list[object] = []
    source = open_source(path, reject=bad.append, options=ReadOptions(tell=told.append))
    assert [(one.id, one.title, one.text) for one in source.documents()] == [("1", "Boot", "warm")]
    assert [getattr(error, "line", None) for error in bad] == [5]
    assert ["are left out: 2 (Products of May)" in said for said in told] == [True]
