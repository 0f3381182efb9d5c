"""A damaged write-ahead log is told before SQLite drops what it holds; a torn end is none."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.index.catalog.storage.soundness import sqlite_flaws
from molt.index.catalog.storage.wal import wal_flaw, wal_path

ROWS = 30
FRAME = 24 + 4096


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A database with a log, as a process that was killed leaves it."""
    path = tmp_path / "live" / "some.sqlite3"
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)")
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        for number in range(ROWS):
            connection.execute("INSERT INTO t VALUES (?, ?)", (number, f"{number}" * 900))
        shutil.copytree(path.parent, tmp_path / "left")
    return tmp_path / "left" / path.name


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])


def in_it(path: Path) -> Iterator[tuple[int, int]]:
    """Places of the log and bits, in every part of the head and of the first and last frames."""
    size = wal_path(path).stat().st_size
    last = size - FRAME
    for start in (0, 32, 32 + 7 * FRAME, last):
        for place in (0, 3, 7, 8, 15, 16, 23, 24, 31):
            yield start + place, 1 << (place % 8)
    for place in (32 + 24 + 4000, last + 24 + 2048, size - 1):
        yield place, 0x80


def test_a_sound_log_has_no_flaw_and_is_not_touched(left: Path) -> None:
    before = wal_path(left).read_bytes()
    assert wal_flaw(left) is None
    assert wal_path(left).read_bytes() == before
    assert sqlite_flaws(left) == []
    assert rows(left) == ROWS


def test_every_bit_that_makes_sqlite_drop_a_row_is_told(left: Path, tmp_path: Path) -> None:
    sound = wal_path(left).read_bytes()
    missed, dropped = [], 0
    for place, bit in in_it(left):
        spoilt = bytearray(sound)
        spoilt[place] ^= bit
        wal_path(left).write_bytes(spoilt)
        flaws = sqlite_flaws(left)
        shutil.copytree(left.parent, tmp_path / "opened")
        try:
            lost = rows(tmp_path / "opened" / left.name) < ROWS
        except sqlite3.Error:
            lost = True
        shutil.rmtree(tmp_path / "opened")
        dropped += lost
        if lost and not flaws:
            missed.append((place, bit))
    assert dropped > 20
    assert missed == []


@pytest.mark.parametrize("kept", [10, 24, 500, FRAME - 1])
def test_a_frame_that_was_being_written_is_no_damage(left: Path, kept: int) -> None:
    with wal_path(left).open("r+b") as log:
        log.truncate(wal_path(left).stat().st_size - FRAME + kept)
    assert wal_flaw(left) is None


def test_a_frame_of_which_only_the_head_was_written_over_an_old_one_is_no_damage(
    left: Path,
) -> None:
    content = bytearray(wal_path(left).read_bytes())
    content[-4096:] = os.urandom(4096)
    wal_path(left).write_bytes(content)
    assert wal_flaw(left) is None


def test_what_is_left_of_a_former_log_behind_the_end_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "some.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)")
        for number in range(ROWS):
            connection.execute("INSERT INTO t VALUES (?, ?)", (number, f"{number}" * 900))
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        connection.execute("INSERT INTO t VALUES (?, ?)", (ROWS, "one more"))
        assert wal_path(path).stat().st_size > 5 * FRAME
        assert wal_flaw(path) is None
