"""A commit: the lexical index of a collection as it was after one revision, and where it lies.

`lexical.json` names the newest commit of a collection, its files and their SHA-256; the commit is a
directory below `commits/`. As with generations, what is named is published first, so a crash leaves
either commit whole. Nothing in a commit is ever edited, and consecutive ones share files by hard
links. What the files hold is not known here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

from molt.artifact import (
    ArtifactError,
    CorruptFileError,
    FileEntry,
    faultpoint,
    read_manifest,
    sweep_hidden,
    sync_directory,
    verify_file,
    write_manifest,
)
from molt.index.errors import InvalidFieldError
from molt.index.lexical.analysis import Analysis, parse_analysis

LEXICAL_MANIFEST = "lexical.json"
COMMITS = "commits"
LEXICAL_FORMAT = 1
_ATTEMPTS = 3
_ID = re.compile(r"[0-9a-f]{32}")
_FILE = re.compile(r"meta\.json|[0-9a-f]{32}\.[0-9a-z.]{1,64}")


@dataclass(frozen=True)
class LexicalCommit:
    """What `lexical.json` says: the index is complete up to the catalog's `revision`.

    Every document that was indexed has an ordinal below `next_ordinal`.
    """

    id: str
    collection: int
    revision: int
    next_ordinal: int
    analysis: Analysis
    files: Mapping[str, FileEntry]

    @property
    def n_bytes(self) -> int:
        """How much its files hold."""
        return sum(entry.size for entry in self.files.values())


class LexicalStore:
    """Lexical indexes under `root`, each in a directory named by its collection's number.

    What this object has hashed or compared once is not read again for that.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._sound: dict[int, dict[str, FileEntry]] = {}
        self._damaged: set[str] = set()
        self._read: dict[int, tuple[tuple[int, ...], LexicalCommit]] = {}

    def collections(self) -> list[int]:
        """Of which collections there is something, ascending."""
        if not self.root.is_dir():
            return []
        return sorted(int(one.name) for one in self.root.iterdir() if one.name.isdecimal())

    def path(self, collection: int) -> Path:
        """Where the index of a collection lies, or will."""
        return self.root / str(collection)

    def manifest_path(self, collection: int) -> Path:
        """The file that changes whenever the index does."""
        return self.path(collection) / LEXICAL_MANIFEST

    def commit_path(self, commit: LexicalCommit) -> Path:
        """Where the files of a commit lie."""
        return self.path(commit.collection) / COMMITS / commit.id

    def read(self, collection: int) -> LexicalCommit | None:
        """The newest commit, or None where there is none yet; its files are not looked at.

        Raises `CorruptFileError` or `UnsupportedFormatError`.
        """
        path = self.manifest_path(collection)
        stamp = _stamp(path)
        if stamp is None:
            return None
        known = self._read.get(collection)
        if known is not None and known[0] == stamp:
            return known[1]
        commit = _parsed(path, read_manifest(path, supported=LEXICAL_FORMAT))
        if commit.collection != collection:
            raise CorruptFileError(path, f"is the manifest of collection {commit.collection}")
        self._read[collection] = stamp, commit
        return commit

    def verify(self, commit: LexicalCommit) -> None:
        """Compare every byte of a commit with its manifest. Raises `CorruptFileError`."""
        sound, folder = self._sound.get(commit.collection, {}), self.commit_path(commit)
        try:
            for name, entry in commit.files.items():
                if sound.get(name) != entry:
                    verify_file(folder / name, entry)
        except CorruptFileError:
            self.distrust(commit)
            raise
        self._sound[commit.collection] = dict(commit.files)

    def publish(self, commit: LexicalCommit) -> None:
        """Name a commit, which lies at `commit_path`, as the newest; its files were just hashed."""
        write_manifest(self.manifest_path(commit.collection), _body(commit))
        self._sound[commit.collection] = dict(commit.files)
        faultpoint("lexical.published")

    def is_damaged(self, commit: LexicalCommit) -> bool:
        """Was a file of it found to be another than was written?"""
        return commit.id in self._damaged

    def distrust(self, commit: LexicalCommit) -> None:
        """Remember that a file of it is another than was written, and trust none of them."""
        self._damaged.add(commit.id)
        self._sound.pop(commit.collection, None)

    def flaws(self, collection: int) -> list[tuple[Path, str]]:
        """Which files of the newest commit are not as they were written, and what is wrong.

        All of them are read, whatever is known of them.
        """
        found: list[tuple[Path, str]] = []
        for _ in range(_ATTEMPTS):
            try:
                commit = self.read(collection)
                found = [] if commit is None else list(self._flaws(commit))
                if not found or self.read(collection) == commit:
                    break  # else another commit has taken its place meanwhile
            except ArtifactError as error:
                return [(self.manifest_path(collection), str(error))]
        return found

    def _flaws(self, commit: LexicalCommit) -> Iterator[tuple[Path, str]]:
        for name, entry in commit.files.items():
            path = self.commit_path(commit) / name
            try:
                verify_file(path, entry)
            except CorruptFileError as error:
                yield path, error.reason

    def strays(self, collection: int, *, named: LexicalCommit | None) -> list[Path]:
        """Other commits than the one that is `named`, and what was being written in the end."""
        root = self.path(collection)
        commits = root / COMMITS
        found = list(commits.iterdir()) if commits.is_dir() else []
        strays = [one for one in found if named is None or one.name != named.id]
        hidden = root.iterdir() if root.is_dir() else ()
        return strays + [one for one in hidden if one.name.startswith(".")]

    def sweep(self) -> None:
        """Remove what a crash left half removed over an hour ago."""
        sweep_hidden(self.root)

    def remove(self, collection: int) -> None:
        """Delete the index of a collection. Who has it open keeps reading what is mapped."""
        doomed = self.root / f".{collection}.{uuid4().hex}"
        self.path(collection).rename(doomed)
        sync_directory(self.root)
        rmtree(doomed)
        self._sound.pop(collection, None)


def _body(commit: LexicalCommit) -> dict[str, Any]:
    return {
        "format": LEXICAL_FORMAT,
        "id": commit.id,
        "collection": commit.collection,
        "revision": commit.revision,
        "next_ordinal": commit.next_ordinal,
        "analysis": commit.analysis.describe(),
        "files": {name: asdict(entry) for name, entry in commit.files.items()},
    }


def _parsed(path: Path, body: Mapping[str, Any]) -> LexicalCommit:
    try:
        commit = LexicalCommit(
            id=body["id"],
            collection=body["collection"],
            revision=body["revision"],
            next_ordinal=body["next_ordinal"],
            analysis=parse_analysis(body["analysis"]),
            files={name: FileEntry(**entry) for name, entry in body["files"].items()},
        )
        wrong = [name for name in (*commit.files, commit.id) if not _is_name(name)]
    except (KeyError, TypeError, ValueError, AttributeError, InvalidFieldError) as error:
        raise CorruptFileError(path, f"the manifest lacks or misspells {error}") from None
    if wrong:
        raise CorruptFileError(path, f"names a file {wrong[0][:80]!r}")
    return commit


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What changes whenever a manifest is replaced; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_name(name: str) -> bool:
    return bool(_ID.fullmatch(name) or _FILE.fullmatch(name))
