"""Fetching: what a command was given in place of files, standard input and datasets of a hub, as
files that can be read twice.
"""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from molt.cli.edge import CommandError
from molt.cli.training import require_extra

_STDIN = Path("-")


@contextmanager
def fetched(paths: Sequence[Path], *, named: str | None = None) -> Iterator[list[Path]]:
    """The paths; `-` as a file to which standard input was copied, `hf://…` as a folder of tables.

    Both are gone when the block ends. `named` is the format of standard input. Raises
    `CommandError` where standard input is asked for twice, or where the train extra is missing.
    """
    if paths.count(_STDIN) > 1:
        raise CommandError("standard input can be read once; give - once")
    if not any(map(_is_elsewhere, paths)):
        yield list(paths)
        return
    with tempfile.TemporaryDirectory(prefix="molt-") as folder:
        yield [_fetch(path, Path(folder), named) if _is_elsewhere(path) else path for path in paths]


def _is_elsewhere(path: Path) -> bool:
    return path == _STDIN or path.parts[:1] == ("hf:",)


def _fetch(path: Path, folder: Path, named: str | None) -> Path:
    if path == _STDIN:
        end = f".{named.lower().removeprefix('.')}" if named else ""
        copied = folder / f"stdin{end}"
        with copied.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        return copied
    require_extra("reading hf://", "datasets")
    from molt.training.data.hub import read_hub_name, save_hub_dataset

    wanted = read_hub_name(path)
    if wanted is None:
        raise CommandError(f"{path} names no dataset")
    saved = folder / wanted.label
    save_hub_dataset(wanted, saved)
    return saved
