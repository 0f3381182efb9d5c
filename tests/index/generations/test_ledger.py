"""The ledger: which rows may answer."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molt.index.catalog.liveness import Liveness
from molt.index.generations.ledger import new_ledger
from molt.index.segments.segment import ROW


def liveness(live, *, deleted=(), revision):
    return Liveness(
        np.array(list(live), np.int64),
        np.array(list(live.values()), np.int64),
        np.array(deleted, np.int64),
        revision,
    )


def rows(*pairs):
    array = np.zeros(len(pairs), ROW)
    array["ordinal"], array["revision"] = [p[0] for p in pairs], [p[1] for p in pairs]
    return array


def live(ledger, *segments, indexed):
    masks = ledger.live_masks([rows(*one) for one in segments], indexed_revision=indexed)
    return [mask.tolist() for mask in masks]


def test_a_row_of_the_catalogs_revision_is_live():
    ledger = new_ledger(liveness({0: 1, 1: 2}, revision=2))
    assert live(ledger, [(0, 1), (1, 2)], indexed=2) == [[True, True]]


def test_a_row_of_a_deleted_document_is_dead():
    ledger = new_ledger(liveness({1: 2}, deleted=[0], revision=3))
    assert live(ledger, [(0, 1), (1, 2)], indexed=3) == [[False, True]]


def test_only_the_newest_row_of_a_document_is_live():
    ledger = new_ledger(liveness({0: 5}, revision=5))
    assert live(ledger, [(0, 1)], [(0, 5)], indexed=5) == [[False], [True]]


def test_an_old_row_answers_until_the_newer_text_is_indexed():
    ledger = new_ledger(liveness({0: 7}, revision=7))
    assert live(ledger, [(0, 1)], [(0, 4)], indexed=4) == [[False], [True]]
    assert live(ledger, [(0, 1)], [(0, 4)], indexed=7) == [[False], [False]]


def test_rows_come_to_life_and_die_with_what_changed():
    ledger = new_ledger(liveness({0: 1, 1: 2}, revision=2))
    later = ledger.moved(liveness({2: 4}, deleted=[0], revision=4))
    assert later.revision == 4
    assert live(later, [(0, 1), (1, 2), (2, 4)], indexed=4) == [[False, True, True]]
    assert live(ledger, [(0, 1), (1, 2), (2, 4)], indexed=2) == [[True, True, False]]


def test_nothing_is_live_in_an_empty_catalog():
    ledger = new_ledger(liveness({}, revision=0))
    assert live(ledger, [(0, 1)], indexed=0) == [[False]]
    assert live(ledger, indexed=0) == []


@dataclass
class Catalog:
    """A catalog reduced to revisions, and the rows that were indexed from it."""

    live: dict[int, int] = field(default_factory=dict)
    log: list[tuple[int, int | None]] = field(default_factory=list)  # ordinal, or its deletion

    def change(self, ordinal):
        self.log.append((ordinal, len(self.log) + 1))
        self.live[ordinal] = len(self.log)

    def delete(self, ordinal):
        if self.live.pop(ordinal, None) is not None:
            self.log.append((ordinal, None))

    def since(self, revision):
        changed = {ordinal: at for ordinal, at in self.live.items() if at > revision}
        gone = [ordinal for ordinal, at in self.log[revision:] if at is None]
        return liveness(changed, deleted=gone, revision=len(self.log))


operations = st.lists(
    st.tuples(st.sampled_from(["change", "delete", "index", "look"]), st.integers(0, 4)),
    max_size=30,
)


@given(operations)
def test_a_document_answers_from_its_newest_indexed_text_until_it_is_deleted(steps):
    catalog, ledger = Catalog(), new_ledger(liveness({}, revision=0))
    segments, indexed, used = [], 0, set()
    for step, ordinal in steps:
        if step == "change" and (ordinal in catalog.live or ordinal not in used):
            used.add(ordinal)
            catalog.change(ordinal)
        elif step == "delete":
            catalog.delete(ordinal)
        elif step == "index":
            pairs = sorted((o, at) for o, at in catalog.live.items() if at > indexed)
            segments += [pairs] if pairs else []
            indexed = len(catalog.log)
        ledger = ledger.moved(catalog.since(ledger.revision))
        newest = {}
        for ordinal_, at in (pair for pairs in segments for pair in pairs):
            newest[ordinal_] = max(at, newest.get(ordinal_, 0))
        expected = [[o in catalog.live and newest[o] == at for o, at in one] for one in segments]
        assert live(ledger, *segments, indexed=indexed) == expected
