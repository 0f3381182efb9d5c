"""Live rows: whatever changed, they are those that looking at every row anew would find."""

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molt.index.catalog.rows.liveness import Liveness
from molt.index.generations.live_rows import live_rows
from molt.index.segments.segment import Segment, SegmentEntry
from tests.index.generations.liveness_oracle import expected_rows
from tests.index.segment_fixtures import make_rows

names = count()


def liveness(live, *, deleted=(), revision):
    return Liveness(
        np.array(list(live), np.int64),
        np.array(list(live.values()), np.int64),
        np.array(deleted, np.int64),
        revision,
    )


def segment(*documents):
    """A segment without vectors: an ordinal, a revision and a number of passages each."""
    ordinals = [o for o, _, passages in documents for _ in range(passages)]
    revisions = [at for _, at, passages in documents for _ in range(passages)]
    rows = make_rows(ordinals, revisions=revisions)
    return Segment(SegmentEntry(f"{next(names)}", len(rows), {}), rows, None, None, None)


def masks(live):
    """Of each scope, whether each of its rows counts."""
    return [
        [True] * len(one.segment) if one.mask is None else one.mask.tolist() for one in live.scopes
    ]


def check(live, word):
    """The rows are the oracle's, and the counts are what is there to count."""
    segments = [one.segment for one in live.scopes]
    rows = [one.rows for one in segments]
    expected = expected_rows(rows, word, indexed_revision=live.indexed_revision)
    assert masks(live) == expected
    for one, mask in zip(live.scopes, expected, strict=True):
        assert one.n_rows == len(one.rows) == sum(mask)
        assert one.n_documents == len(np.unique(one.segment.ordinals[mask]))
        assert (one.mask is None) == all(mask)


@pytest.mark.parametrize(
    ("catalog", "deleted", "segments", "indexed", "expected"),
    [
        ({0: 1, 1: 2}, [], [[(0, 1, 1), (1, 2, 1)]], 2, [[True, True]]),
        ({1: 2}, [0], [[(0, 1, 2), (1, 2, 1)]], 3, [[False, False, True]]),
        ({0: 5}, [], [[(0, 1, 1)], [(0, 5, 1)]], 5, [[False], [True]]),
        ({0: 7}, [], [[(0, 1, 1)], [(0, 4, 1)]], 4, [[False], [True]]),
        ({0: 7}, [], [[(0, 1, 1)], [(0, 4, 1)]], 7, [[False], [False]]),
        ({}, [], [[(0, 1, 1)]], 0, [[False]]),
        ({}, [], [], 0, []),
    ],
    ids=[
        "a row of the catalog's revision is live",
        "every row of a deleted document is dead",
        "only the newest row of a document is live",
        "an old row answers until the newer text is indexed",
        "and not any longer",
        "nothing is live in an empty catalog",
        "nothing is live without segments",
    ],
)
def test_a_row_is_live_by_the_rule(catalog, deleted, segments, indexed, expected):
    word = liveness(catalog, deleted=deleted, revision=max(indexed, 7))
    live = live_rows([segment(*one) for one in segments], word, indexed_revision=indexed)
    assert masks(live) == expected
    check(live, word)


def test_scopes_in_which_nothing_moves_are_shared():
    parts = [segment((0, 1, 1), (1, 2, 1)), segment((2, 3, 2)), segment((3, 4, 1))]
    live = live_rows(parts, liveness({0: 1, 1: 2, 2: 3, 3: 4}, revision=4), indexed_revision=4)
    later = live.moved(parts, liveness({1: 6}, deleted=[2], revision=6), indexed_revision=5)
    shared = [a is b for a, b in zip(live.scopes, later.scopes, strict=True)]
    assert shared == [True, False, True]
    assert masks(later) == [[True, True], [False, False], [True]]


def test_a_row_dies_when_its_successor_is_indexed():
    old, new = segment((0, 1, 1), (1, 2, 1)), segment((0, 3, 1))
    live = live_rows([old], liveness({0: 1, 1: 2}, revision=2), indexed_revision=2)
    waiting = live.moved([old], liveness({0: 3}, revision=3), indexed_revision=2)
    assert masks(waiting) == [[True, True]]
    later = waiting.moved([old, new], liveness({}, revision=3), indexed_revision=3)
    assert masks(later) == [[False, True], [True]]
    assert masks(waiting) == [[True, True]]


def test_a_row_dies_with_its_text_although_the_new_text_has_no_passage():
    old = segment((0, 1, 1))
    live = live_rows([old], liveness({0: 1}, revision=1), indexed_revision=1)
    waiting = live.moved([old], liveness({0: 2}, revision=2), indexed_revision=1)
    assert masks(waiting.moved([old], liveness({}, revision=2), indexed_revision=2)) == [[False]]


@dataclass
class World:
    """A catalog reduced to revisions, segments of its texts, and a generation that lags behind."""

    catalog: dict[int, int] = field(default_factory=dict)
    log: list[tuple[int, bool]] = field(default_factory=list)  # an ordinal; was it deleted?
    segments: list[Segment] = field(default_factory=list)
    indexed: int = 0

    def change(self, ordinal, _):
        if ordinal in self.catalog or all(ordinal != used for used, _ in self.log):
            self.log.append((ordinal, False))
            self.catalog[ordinal] = len(self.log)

    def delete(self, ordinal, _):
        if self.catalog.pop(ordinal, None) is not None:
            self.log.append((ordinal, True))

    def seal(self, limit, passages):
        """The oldest changes; without passages, a text leaves no row."""
        waiting = sorted((at, o) for o, at in self.catalog.items() if at > self.indexed)
        chosen = waiting[: limit + 1]
        self.indexed = chosen[-1][0] if len(chosen) == limit + 1 else len(self.log)
        sealed = sorted((o, at, passages) for at, o in chosen)
        self.segments += [segment(*sealed)] if passages and sealed else []

    def merge(self, place, several):
        """Some segments become one of the rows that are live."""
        chosen = self.segments[place : place + 1 + several]
        word = self.since(-1)
        live = expected_rows(
            [one.rows for one in self.segments], word, indexed_revision=self.indexed
        )
        rows = [
            (row["ordinal"], row["revision"])
            for one, mask in zip(self.segments, live, strict=True)
            for row in one.rows[mask]
            if one in chosen
        ]
        left = [one for one in self.segments if one not in chosen]
        merged = [(o, at, rows.count((o, at))) for o, at in sorted(set(rows))]
        self.segments = left + ([segment(*merged)] if merged else [])

    def lose(self, place, _):
        """A segment goes without a trace, as no writer does it."""
        del self.segments[place : place + 1]

    def put_back(self, by, _):
        """The generation is an earlier one again, except for its segments."""
        self.indexed = max(0, self.indexed - 1 - by)

    def since(self, revision):
        changed = {o: at for o, at in sorted(self.catalog.items()) if at > revision}
        deleted = [o for o, gone in self.log[max(revision, 0) :] if gone]
        return liveness(changed, deleted=deleted, revision=len(self.log))


WORK = [
    World.change,
    World.change,
    World.delete,
    World.seal,
    World.seal,
    World.merge,
    World.lose,
    World.put_back,
]
steps = st.lists(
    st.tuples(st.sampled_from(WORK), st.integers(0, 3), st.integers(0, 3), st.booleans()),
    min_size=20,
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_live_rows_that_were_moved_are_those_found_anew(steps):
    """A look is taken after some steps only: a reader lags. What it saw before stays as it was."""
    world = World()
    live = live_rows([], world.since(-1), indexed_revision=0)
    seen = []
    for work, first, second, looks in steps:
        work(world, first, second)
        if looks:
            delta = world.since(live.ledger.revision)
            live = live.moved(list(world.segments), delta, indexed_revision=world.indexed)
            check(live, world.since(-1))
            seen.append((live, masks(live)))
    for former, expected in seen:
        assert masks(former) == expected
