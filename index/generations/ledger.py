"""The ledger: the catalog's revision of every live document, by ordinal.

The catalog's word, kept in memory and moved forward by what changed: a later ledger shares every
page that nothing changed on. Reads no database and knows no rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from molt.index.catalog.rows.liveness import Liveness
from molt.index.segments.exact import Rows

PAGE = 4_096
"""Ordinals are dense and never reused, so a page is mostly full until its documents go."""

_DEAD = -1


def _frozen(rows: Rows) -> Rows:
    rows.setflags(write=False)
    return rows


_EMPTY = _frozen(np.full(PAGE, _DEAD, np.int64))


@dataclass(frozen=True)
class Ledger:
    """What lives as of `revision`: in `pages`, revisions by ordinal, `PAGE` on each.

    `waiting` `(2, n) int64` are ordinals over revisions: every change of a live document that the
    generation has not reached yet, and with it some that were followed by another change.
    """

    pages: tuple[Rows, ...]
    waiting: Rows
    revision: int

    def moved(self, delta: Liveness) -> "Ledger":
        """The ledger after `delta`, which holds at least every change since `revision`."""
        ordinals = np.concatenate([delta.deleted, delta.ordinals])
        revisions = np.concatenate([np.full(len(delta.deleted), _DEAD), delta.revisions])
        order = np.argsort(ordinals, kind="stable")
        pages = _written(self.pages, ordinals[order], revisions[order])
        added = np.stack([delta.ordinals, delta.revisions])
        return Ledger(pages, np.hstack([self.waiting, added]), delta.revision)

    def due(self, revision: int) -> Rows:
        """The ordinals whose change waits no more once the generation is at `revision`."""
        due: Rows = self.waiting[0, self.waiting[1] <= revision]
        return due

    def indexed(self, revision: int) -> "Ledger":
        """The ledger beside a generation that has come to `revision`."""
        return replace(self, waiting=self.waiting[:, self.waiting[1] > revision])

    def put_back(self) -> "Ledger":
        """The ledger beside a generation that may have reached nothing: every document waits."""
        revisions = np.concatenate([np.empty(0, np.int64), *self.pages])
        ordinals = np.flatnonzero(revisions != _DEAD)
        return replace(self, waiting=np.stack([ordinals, revisions[ordinals]]))

    def revisions_of(self, ordinals: Rows) -> Rows:
        """The revision of each of `ordinals` `(n,)`, ascending; -1 where no document lives."""
        revisions = np.full(len(ordinals), _DEAD, np.int64)
        for number, part in _by_page(ordinals):
            if number < len(self.pages):
                revisions[part] = self.pages[number][ordinals[part] % PAGE]
        return revisions


def new_ledger(liveness: Liveness) -> Ledger:
    """The ledger of a full liveness, one read from the beginning."""
    return Ledger((), np.empty((2, 0), np.int64), -1).moved(liveness)


def _written(pages: tuple[Rows, ...], ordinals: Rows, revisions: Rows) -> tuple[Rows, ...]:
    """The pages with `revisions` at these ascending `ordinals`; only what is written is copied."""
    if not len(ordinals):
        return pages
    written = list(pages)
    written += [_EMPTY] * (int(ordinals[-1]) // PAGE + 1 - len(pages))
    for number, part in _by_page(ordinals):
        page = written[number].copy()
        page[ordinals[part] % PAGE] = revisions[part]
        written[number] = _EMPTY if (page == _DEAD).all() else _frozen(page)
    return tuple(written)


def _by_page(ordinals: Rows) -> Iterator[tuple[int, slice]]:
    """The number of each page that ascending `ordinals` touch, and which of them lie there."""
    numbers = ordinals // PAGE
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    stops = np.append(starts, len(ordinals))[1:]
    for number, start, stop in zip(numbers[starts], starts, stops, strict=True):
        yield int(number), slice(int(start), int(stop))
