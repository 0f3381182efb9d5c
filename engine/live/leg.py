"""The lexical leg of what answers: the index of words beside a snapshot, or why there is none.

It is there only where it holds every change that the snapshot shows, so that whatever is visible
can be found by its words too. Without it, vectors alone answer, and the answer tells.
"""

from dataclasses import dataclass

from molt.artifact import ArtifactError, CorruptFileError
from molt.index.catalog.collection import Collection
from molt.index.errors import IndexingError
from molt.index.lexical.analysis import read_analysis
from molt.index.lexical.commit import LexicalCommit, LexicalStore
from molt.index.lexical.lexical_index import LexicalIndex, open_lexical_index

_ATTEMPTS = 3


@dataclass(frozen=True)
class LexicalLeg:
    """An opened index, or `left_out`, which says why there is none, and the `problem` it has."""

    index: LexicalIndex | None = None
    left_out: str | None = None
    problem: str | None = None


NO_LEG = LexicalLeg(left_out="it is being made")


def lexical_leg(
    store: LexicalStore, collection: int, *, revision: int, former: LexicalLeg = NO_LEG
) -> LexicalLeg:
    """The leg beside a snapshot of a generation that is complete up to `revision`.

    Read the generation's manifest before, and the liveness after it.
    """
    try:
        index = _opened(store, collection, former.index)
    except (ArtifactError, IndexingError, OSError) as error:
        return LexicalLeg(left_out="it cannot be read", problem=str(error))
    if index is None:
        return NO_LEG
    if index.commit.revision < revision:
        return LexicalLeg(left_out="it has not caught up with the documents yet")
    return former if former.index is index else LexicalLeg(index)


def follows_analysis(store: LexicalStore, collection: Collection, leg: LexicalLeg) -> bool:
    """Is a collection's index as its analysis says, the one that answers where one does?"""
    try:
        commit = store.read(collection.id) if leg.index is None else leg.index.commit
    except ArtifactError:
        return False  # it is damaged, and made anew
    if commit is None:
        return collection.revision == 0
    return commit.analysis == read_analysis(collection.analysis)


def _opened(
    store: LexicalStore, collection: int, former: LexicalIndex | None
) -> LexicalIndex | None:
    """The newest commit, opened; another may take its place meanwhile."""
    commit = store.read(collection)
    for _ in range(_ATTEMPTS):
        try:
            return _open(store, commit, former)
        except CorruptFileError:
            newer = store.read(collection)
            if newer == commit:
                raise
            commit = newer
    return _open(store, commit, former)


def _open(
    store: LexicalStore, commit: LexicalCommit | None, former: LexicalIndex | None
) -> LexicalIndex | None:
    if commit is None or (former is not None and former.commit.id == commit.id):
        return former if commit else None
    return open_lexical_index(store, commit, former=former)
