"""tantivy's working directory: where it writes, merges and cleans up, whenever it likes.

A commit is made of links to the files that make up the index there at one moment. What the files
hold, and whether they are sound, is not known here.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from os import link
from pathlib import Path
from shutil import copyfile, rmtree
from uuid import uuid4

from molt.index.errors import LexicalError

META = "meta.json"
"""Which segments make up the index; tantivy replaces it as a whole."""
_MANAGED = ".managed.json"
_PARTS = ("fast", "fieldnorm", "idx", "pos", "store", "term")
_ATTEMPTS = 20


class WorkingDirectory:
    """A fresh directory below `parent`, which hides and is removed in the end."""

    def __init__(self, parent: Path) -> None:
        self.path = parent / f".writing.{uuid4().hex}"
        self.path.mkdir(parents=True)

    def go_on_from(self, commit: Path, names: Iterable[str]) -> None:
        """Begin with the files of a commit; tantivy is told that it may remove them."""
        names = sorted(names)
        for name in names:
            if name != META:
                _link(commit / name, self.path / name)
        copyfile(commit / META, self.path / META)
        (self.path / _MANAGED).write_text(json.dumps(names), encoding="utf-8")

    def names(self) -> set[str]:
        """The files that make up the index now."""
        return {META, *_segment_files((self.path / META).read_bytes())}

    def link_into(self, folder: Path) -> None:
        """Give the files that make up the index now other names, in an empty `folder`.

        While tantivy merges, what it has merged goes: then it is looked at anew. All of them were
        synced by tantivy, and the links are with whatever is synced after them. Raises
        `LexicalError`.
        """
        for _ in range(_ATTEMPTS):
            _link(self.path / META, folder / META)
            with suppress(FileNotFoundError):
                for name in _segment_files((folder / META).read_bytes()):
                    _link(self.path / name, folder / name)
                return
            for path in folder.iterdir():
                path.unlink()
        raise LexicalError(f"{self.path}: its files change faster than they can be linked")

    def remove(self) -> None:
        """Remove it with what it holds; links of its files stay."""
        rmtree(self.path, ignore_errors=True)


def _segment_files(meta: bytes) -> list[str]:
    """The files of the segments that tantivy's `meta.json` names."""
    names = []
    for segment in json.loads(meta)["segments"]:
        stem = segment["segment_id"].replace("-", "")
        names += [f"{stem}.{part}" for part in _PARTS]
        if segment["deletes"] is not None:
            names.append(f"{stem}.{segment['deletes']['opstamp']}.del")
    return names


def _link(source: Path, target: Path) -> None:
    """Give a file another name; where the file system knows no links, a copy."""
    try:
        link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        copyfile(source, target)
