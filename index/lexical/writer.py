"""The writer of a lexical index: brings it up to what the catalog holds, a commit at a time.

tantivy writes, merges and cleans up in a directory of its own, whenever it likes; each commit is a
directory of links to the files that it then consists of, so that whatever readers open stands
still, with hashes taken once. That directory is made from the newest commit and thrown away in the
end. One writer at a time, which a lock sees to.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from tantivy import Index, IndexWriter, Query

from molt.artifact import (
    ArtifactError,
    CorruptFileError,
    FileEntry,
    FileLock,
    faultpoint,
    hash_file,
    lock_file,
    verify_file,
)
from molt.artifact.tracing import traced
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.rows.liveness import Liveness
from molt.index.errors import LexicalBusyError, LexicalError
from molt.index.lexical.analysis import Analysis, Analyzer
from molt.index.lexical.commit import COMMITS, LexicalCommit, LexicalStore
from molt.index.lexical.schema import ORDINAL, TOKENIZER, lexical_schema, row_of, tantivy_errors
from molt.index.lexical.working import META, WorkingDirectory

_WRITER_LOCK = "writer.lock"
REANALYSIS = "texts are to be analysed otherwise"
"""Why an index that is sound is made anew."""
RETIRED_AFTER = 5.0
"""Seconds that a former commit stays for whoever has just read the manifest that named it."""
_COMMIT_SECONDS = 1.0
"""What takes longer than this to be written is committed in several steps."""
_MEMORY = 32 * 2**20


@dataclass(frozen=True)
class _Retired:
    folder: Path
    since: float


class LexicalWriter:
    """Writes the lexical index of one collection, as `analysis` says.

    Goes on from the newest commit where that is sound and was analysed so, and anew otherwise: then
    `rebuilds` says why. Raises `LexicalBusyError` where somebody else writes it, and
    `UnsupportedFormatError` where a newer version of Molt wrote it.
    """

    def __init__(
        self, store: LexicalStore, *, catalog: Catalog, collection: Collection, analysis: Analysis
    ) -> None:
        self.analysis = analysis
        self.rebuilds: str | None = None
        self._store = store
        self._documents = catalog.documents
        self._collection = collection
        self._lock = threading.Lock()
        self._retired: list[_Retired] = []
        self._hold: FileLock | None = _hold(store.path(collection.id))
        self.commit = self._sound_commit()
        goes_on = self.commit if self.rebuilds is None else None
        self._revision = goes_on.revision if goes_on else 0
        self._next_ordinal = goes_on.next_ordinal if goes_on else 0
        self._seen = self._revision if goes_on else collection.revision
        _remove(store.strays(collection.id, named=self.commit))
        self._working = WorkingDirectory(store.path(collection.id))
        self._writer = self._open(goes_on)

    @property
    def revision(self) -> int:
        """Up to where the newest commit is complete; 0 where there is none that can be used."""
        return self.commit.revision if self.commit else 0

    @property
    def is_behind_itself(self) -> bool:
        """Is an index being made anew that has not come as far as the one it replaces?"""
        return self._revision < self.revision

    def advance(self, *, limit: int, pause: Callable[[float], None] = lambda _: None) -> bool:
        """Index changed documents, `limit` at a time, for about a second; were there any?

        Before more of them `pause` is called with the seconds that the last ones took.

        The commit's revision follows the catalog's even where documents were only deleted. Whatever
        is raised, what was committed stays; the writer is to be closed, and another opened.
        """
        with self._lock:
            self._require_open()
            delta = self._delta()
            if delta is None:
                return False
            with traced("index.words", collection=self._collection.name):
                until = time.monotonic() + _COMMIT_SECONDS
                while delta is not None:
                    began = time.monotonic()
                    self._index_some(delta, limit)
                    delta = self._delta() if time.monotonic() < until else None
                    if delta is not None:
                        pause(time.monotonic() - began)
                self._commit()
            return True

    def tidy(self) -> bool:
        """Publish what was merged since, and remove former commits; was there anything?"""
        with self._lock:
            self._require_open()
            self._remove_retired()
            if self.commit is None or not self._is_merged():
                return False
            self._publish()
            return True

    def close(self) -> None:
        """Let others write; what is being merged is given up."""
        with self._lock:
            if self._hold is None:
                return
            del self._writer
            self._working.remove()
            for retired in self._retired:
                rmtree(retired.folder, ignore_errors=True)
            self._retired = []
            self._hold.release()
            self._hold = None

    def _require_open(self) -> None:
        if self._hold is None:
            raise LexicalError(
                f"the writer of the lexical index of {self._collection.name!r} was closed"
            )

    def _sound_commit(self) -> LexicalCommit | None:
        """The newest commit, as far as it can be gone on from."""
        try:
            commit = self._store.read(self._collection.id)
            if commit is not None:
                self._store.verify(commit)
        except CorruptFileError as error:
            self.rebuilds = str(error)
            return None
        if commit is not None and commit.revision > self._collection.revision:
            self.rebuilds = "the catalog was put back to an earlier state"
            return None
        if commit is not None and commit.analysis != self.analysis:
            self.rebuilds = REANALYSIS
        return commit

    def _open(self, former: LexicalCommit | None) -> IndexWriter:
        if former is not None:
            self._working.go_on_from(self._store.commit_path(former), former.files)
        with tantivy_errors():
            index = Index(lexical_schema(self.analysis), path=str(self._working.path))
            index.config_reader("manual")
            index.register_tokenizer(TOKENIZER, Analyzer(self.analysis).tantivy)
            return index.writer(_MEMORY, 1)

    def _delta(self) -> Liveness | None:
        """What was changed and deleted since; None where nothing was."""
        delta = self._documents.liveness(self._collection, after=self._seen)
        return delta if delta.revision > self._revision else None

    def _index_some(self, delta: Liveness, limit: int) -> None:
        """Give tantivy what was changed and deleted next."""
        changed = self._documents.changed(self._collection, after=self._revision, limit=limit)
        documents = changed.documents
        gone = [*delta.deleted.tolist(), *(stored.ordinal for stored in documents)]
        with tantivy_errors():
            self._remove([ordinal for ordinal in gone if ordinal < self._next_ordinal])
            for stored in documents:
                self._writer.add_document(row_of(stored, self.analysis))
        self._next_ordinal = max(self._next_ordinal, *(one.ordinal + 1 for one in documents), 0)
        self._seen = delta.revision
        self._revision = changed.reached(after=self._revision, newest=delta.revision)

    def _remove(self, ordinals: Sequence[int]) -> None:
        """Rows of documents that were deleted or changed; what is written next stays."""
        if ordinals:
            schema = lexical_schema(self.analysis)
            rows = Query.term_set_query(schema, ORDINAL, ordinals)
            self._writer.delete_documents_by_query(rows)

    def _commit(self) -> None:
        with tantivy_errors(), traced("index.words_commit"):
            self._writer.commit()
        faultpoint("lexical.written")
        if self.commit is None or self._revision >= self.commit.revision:
            self._publish()
        self._remove_retired()

    def _publish(self) -> None:
        """Make a commit of what tantivy's directory holds now, and name it."""
        former, root = self.commit, self._store.path(self._collection.id)
        commit_id = uuid4().hex
        folder = root / COMMITS / commit_id
        folder.mkdir(parents=True)
        try:
            self._working.link_into(folder)
            files = self._hashed(folder)
        except BaseException:
            rmtree(folder, ignore_errors=True)
            raise
        faultpoint("lexical.committed")
        self.commit = LexicalCommit(
            commit_id,
            self._collection.id,
            self._revision,
            self._next_ordinal,
            self.analysis,
            files,
        )
        self._store.publish(self.commit)
        self.rebuilds = None
        if former is not None:
            self._retired.append(_Retired(self._store.commit_path(former), time.monotonic()))

    def _hashed(self, folder: Path) -> dict[str, FileEntry]:
        """The files of a commit with their hashes.

        What was merged has new ones, which would vouch for damage: so what it was merged from is
        compared with its own once more. Raises `CorruptFileError`.
        """
        names = sorted(path.name for path in folder.iterdir())
        known: dict[str, FileEntry] = {}
        if self.commit is not None:
            known = {name: one for name, one in self.commit.files.items() if name != META}
            former = self._store.commit_path(self.commit)
            try:
                for name in known.keys() - set(names):
                    verify_file(former / name, known[name])
            except CorruptFileError:
                self._store.distrust(self.commit)
                raise
        return {name: known.get(name) or hash_file(folder / name) for name in names}

    def _is_merged(self) -> bool:
        """Does the working directory hold other files than the newest commit?"""
        return self._working.names() != set(self.commit.files if self.commit else ())

    def _remove_retired(self) -> None:
        due = time.monotonic() - RETIRED_AFTER
        for retired in [one for one in self._retired if one.since <= due]:
            rmtree(retired.folder, ignore_errors=True)
            self._retired.remove(retired)


def sweep_strays(store: LexicalStore, collection: int) -> None:
    """Remove what a crash left of an index that nobody writes."""
    with suppress(ArtifactError, LexicalBusyError):
        if store.strays(collection, named=store.read(collection)):
            hold = _hold(store.path(collection))
            _remove(store.strays(collection, named=store.read(collection)))
            hold.release()


def _remove(strays: Iterable[Path]) -> None:
    for stray in strays:
        if stray.is_dir():
            rmtree(stray, ignore_errors=True)
        else:
            stray.unlink(missing_ok=True)


def _hold(folder: Path) -> FileLock:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return lock_file(folder / _WRITER_LOCK)
    except BlockingIOError:
        raise LexicalBusyError(
            f"the lexical index {folder} is being written by another; try again later"
        ) from None
