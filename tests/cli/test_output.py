import os
import pty
import subprocess
from pathlib import Path

import pytest

from molt.cli.output import Listing, MarkedText, printable, snippet, write_json, write_listing
from tests.server import MOLT


def test_control_characters_cannot_reach_a_terminal() -> None:
    assert printable("a\x1b[31mb\x07\n\x9bc") == "a [31mb   c"


def test_a_missing_value_is_a_dash() -> None:
    assert printable(None) == "-"


def test_a_truth_is_said_in_words() -> None:
    assert [printable(value) for value in (True, False, 1, 0)] == ["yes", "no", "1", "0"]


def test_a_long_text_is_cut_on_one_line() -> None:
    assert snippet("one\n  two three", width=9) == "one two…"


def test_a_short_text_is_whole() -> None:
    assert snippet("one\ntwo", width=7) == "one two"


def test_a_huge_text_is_not_read_to_its_end() -> None:
    assert len(snippet("word " * 1_000_000, width=50)) <= 50


def test_rows_are_tab_separated_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    write_listing(Listing(("id", "text"), [("d1", "tab\there")]))
    assert capsys.readouterr().out == "id\ttext\nd1\ttab here\n"


def test_json_is_one_line_of_utf8(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_json({"title": "Käse\n"})
    assert capfdbinary.readouterr().out == '{"title":"Käse\\n"}\n'.encode()


def test_a_terminal_gets_a_table(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    shown = subprocess.Popen([MOLT, "--home", tmp_path, "config", "show"], stdout=slave)
    os.close(slave)
    output = b""
    while chunk := _read(master):
        output += chunk
    assert shown.wait() == 0
    assert "────" in output.decode()


def test_marked_characters_are_bold_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(slave, "w") as terminal, monkeypatch.context() as patched:
        patched.setattr("sys.stdout", terminal)
        write_listing(Listing(("id", "text"), [("d1", MarkedText("warm\nboots", ((5, 10),)))]))
    shown = b""
    while chunk := _read(master):
        shown += chunk
    assert "warm \x1b[1mboots\x1b[0m" in shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other side was closed
        return b""
