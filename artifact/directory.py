"""Durable writes: a file or a directory appears whole, or not at all, even through power loss."""

import ctypes
import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from typing import BinaryIO
from uuid import uuid4

_STRAY_SECONDS = 3600


def published_ids(root: Path, pattern: re.Pattern[str]) -> list[str]:
    """Names under `root` that are ids by `pattern`, sorted; nothing is read."""
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if pattern.fullmatch(entry.name))


def sync_directory(path: Path) -> None:
    """Flush a directory's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _flush(descriptor, path)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by a file holding `content`; a reader sees the old one or the new one."""
    with publish_file(path) as file:
        file.write(content)


@contextmanager
def publish_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a fresh file to write to; on success it is synced and takes the place of `path`."""
    working = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with working.open("wb") as file:
            yield file
            file.flush()
            _flush(file.fileno(), path)
        working.replace(path)
    except BaseException:
        working.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


@contextmanager
def publish_directory(target: Path) -> Iterator[Path]:
    """Yield a fresh directory to fill; on success it is synced and renamed to `target`.

    The working name starts with a dot, so a half-written one left by a crash is never taken for
    an artifact. Raises `FileExistsError` where `target` exists.
    """
    if target.exists():
        raise FileExistsError(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    working = target.with_name(f".{target.name}.{uuid4().hex}")
    working.mkdir()
    try:
        yield working
        _sync_tree(working)
        _rename_unless_taken(working, target)
    except BaseException:
        rmtree(working, ignore_errors=True)
        raise
    sync_directory(target.parent)


@contextmanager
def replace_directory(target: Path) -> Iterator[Path]:
    """Yield a fresh directory to fill; on success it is synced and takes the place of `target`.

    At no moment, and after no crash, is there anything but the whole old one or the whole new one.
    Who has files of the old one open keeps them. Raises `FileNotFoundError` where there is none to
    replace, and `OSError` on a file system that cannot exchange two directories.
    """
    if not target.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target))
    working = target.with_name(f".{target.name}.{uuid4().hex}")
    working.mkdir()
    try:
        yield working
        _sync_tree(working)
        _exchange(working, target)
        sync_directory(target.parent)
    finally:
        rmtree(working, ignore_errors=True)


def sweep_hidden(root: Path) -> list[Path]:
    """Remove what hides under `root` and was not written to for an hour; returns it.

    Such is what a crash left half written or half removed.
    """
    if not root.is_dir():
        return []
    before = time.time() - _STRAY_SECONDS
    hidden = [entry for entry in root.iterdir() if entry.name.startswith(".")]
    strays = [entry for entry in hidden if _last_written(entry) < before]
    for stray in strays:
        if stray.is_dir():
            rmtree(stray, ignore_errors=True)
        else:
            with suppress(OSError):
                stray.unlink()
    return strays


def _last_written(path: Path) -> float:
    """When anything in it was; now, where that cannot be told."""
    try:
        return max(entry.lstat().st_mtime for entry in (path, *path.rglob("*")))
    except OSError:  # somebody removes it meanwhile
        return time.time()


def _rename_unless_taken(working: Path, target: Path) -> None:
    try:
        working.rename(target)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:  # somebody published it meanwhile
            raise FileExistsError(target) from None
        raise


def _exchange(one: Path, other: Path) -> None:
    """Give each of two directories the name of the other, in one step (Linux, renameat2(2))."""
    here = -100  # AT_FDCWD: relative paths start where this process is
    exchange = 2
    system = ctypes.CDLL(None, use_errno=True)
    if system.renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot be replaced in one step: {os.strerror(number)}", other.name)


def _sync_tree(root: Path) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            with (Path(folder) / name).open("rb") as file:
                _flush(file.fileno(), Path(folder) / name)
        sync_directory(Path(folder))


def _flush(descriptor: int, path: Path) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        error.filename = path.name  # the system names none; a folder has another name each time
        raise
