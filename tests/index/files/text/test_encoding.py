# ruff: noqa: RUF001  letters of other alphabets are what is tested

from pathlib import Path

import pytest

from molt.index.files import ReadProgress, RowError, SourceError
from molt.index.files.options import ReadOptions
from molt.index.files.row import Row
from molt.index.files.table import read_table
from molt.index.files.text.encoding import find_encoding

TEXTS = {
    "cp1252": "Café crème – 3 €\nThé très chaud",
    "cp1250": "Příliš žluťoučký kůň\nZelený stan pro dvě osoby",
    "cp1251": "Палатка для двух человек\nГорелка газовая, лёгкая",
    "cp1253": "Σκηνή για δύο άτομα\nκουζίνα αερίου",
    "cp932": "二人用のテント\nガスストーブ、軽い",
    "utf-16-le": "a long plain tent\nZelt für zwei",
}


def _texts(path: Path, options: ReadOptions) -> list[str]:
    rows = read_table(path, ReadProgress(), options)
    return [row.values["text"] for row in rows if isinstance(row, Row)]


def _write(path: Path, text: str, encoding: str) -> Path:
    lines = "".join(f"{n}\t{line}\n" for n, line in enumerate(text.split("\n")))
    path.write_bytes(f"id\ttext\n{lines}".encode(encoding))
    return path


@pytest.mark.parametrize("encoding", TEXTS)
def test_an_encoding_is_guessed_and_the_guess_is_told(tmp_path: Path, encoding: str) -> None:
    told: list[str] = []
    path = _write(tmp_path / "a.tsv", TEXTS[encoding], encoding)
    assert "\n".join(_texts(path, ReadOptions(tell=told.append))) == TEXTS[encoding]
    assert any(f"it is read as {encoding}" in each for each in told)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_believed_without_a_word(tmp_path: Path, encoding: str) -> None:
    told: list[str] = []
    path = _write(tmp_path / "a.tsv", "Zelt für zwei\nein € Žluť", encoding)
    assert _texts(path, ReadOptions(tell=told.append)) == ["Zelt für zwei", "ein € Žluť"]
    assert told == []


@pytest.mark.parametrize("encoding", ["shift_jis", "latin-1", "koi8-r", "mac_roman"])
def test_an_option_names_the_encoding(tmp_path: Path, encoding: str) -> None:
    text = {"shift_jis": "二人用", "koi8-r": "палатка"}.get(encoding, "café")
    path = _write(tmp_path / "a.tsv", text, encoding)
    assert _texts(path, ReadOptions(encoding=encoding)) == [text]


@pytest.mark.parametrize("encoding", ["no-such", "base64", "rot13", "a\0b"])
def test_an_encoding_that_there_is_not_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(SourceError, match="there is no encoding"):
        find_encoding(_write(tmp_path / "a.tsv", "x", "ascii"), ReadOptions(encoding=encoding))


def test_one_line_that_is_not_utf8_makes_no_guess(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n1,fine\n2,caf\xe9\n3,fine\n")
    assert find_encoding(path, ReadOptions()) == "utf-8"


def test_lines_of_utf8_among_others_make_no_guess(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n" + b"1,caf\xc3\xa9\n" * 4 + b"2,caf\xe9\n" * 4)
    assert find_encoding(path, ReadOptions()) == "utf-8"


def test_a_row_with_bytes_that_the_encoding_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n1,caf\xe9\n2,\x81\n3,x\n")
    rows = list(read_table(path, ReadProgress(), ReadOptions(encoding="cp1252")))
    (bad,) = (row for row in rows if isinstance(row, RowError))
    assert (bad.line, bad.reason[:40]) == (3, "is not cp1252: text has bytes that it la")
    assert len(rows) == 3


def test_json_lines_are_read_in_another_encoding_too(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text": "für"}\n{"text": "größe"}\n'.encode("utf-16"))
    assert _texts(path, ReadOptions()) == ["für", "größe"]
    path.write_bytes('{"text": "für"}\n{"text": "größe"}\n'.encode("cp1252"))
    assert _texts(path, ReadOptions()) == ["für", "größe"]
