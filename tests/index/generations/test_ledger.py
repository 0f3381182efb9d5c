"""The ledger: the catalog's revision of every live document."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molt.index.catalog.rows.liveness import Liveness
from molt.index.generations.ledger import PAGE, new_ledger


def liveness(live, *, deleted=(), revision):
    return Liveness(
        np.array(list(live), np.int64),
        np.array(list(live.values()), np.int64),
        np.array(deleted, np.int64),
        revision,
    )


def revisions(ledger, *ordinals):
    return ledger.revisions_of(np.array(ordinals, np.int64)).tolist()


def test_a_live_document_has_its_revision_and_any_other_has_none():
    ledger = new_ledger(liveness({1: 2, PAGE + 3: 5}, deleted=[0], revision=5))
    assert revisions(ledger, 0, 1, 2, PAGE + 3, 9 * PAGE) == [-1, 2, -1, 5, -1]
    assert revisions(ledger) == []


def test_a_change_moves_the_ledger_and_leaves_the_former_one_as_it_was():
    ledger = new_ledger(liveness({0: 1, 1: 2}, revision=2))
    later = ledger.moved(liveness({1: 4, 2: 5}, deleted=[0], revision=5))
    assert (revisions(later, 0, 1, 2), later.revision) == ([-1, 4, 5], 5)
    assert (revisions(ledger, 0, 1, 2), ledger.revision) == ([1, 2, -1], 2)


def test_pages_on_which_nothing_changed_are_shared():
    ledger = new_ledger(liveness({0: 1, PAGE: 2, 2 * PAGE: 3}, revision=3))
    later = ledger.moved(liveness({PAGE: 4}, revision=4))
    shared = [a is b for a, b in zip(ledger.pages, later.pages, strict=True)]
    assert shared == [True, False, True]


def test_a_page_whose_documents_are_gone_takes_no_room():
    ledger = new_ledger(liveness({0: 1, PAGE: 2, 3 * PAGE: 3}, revision=3))
    later = ledger.moved(liveness({}, deleted=[PAGE], revision=4))
    assert later.pages[1] is ledger.pages[2]


def test_a_change_waits_until_the_generation_has_reached_it():
    ledger = new_ledger(liveness({0: 1, 1: 2}, revision=2)).indexed(1)
    later = ledger.moved(liveness({2: 3, 0: 4}, revision=4))
    assert later.due(1).tolist() == []
    assert later.due(3).tolist() == [1, 2]
    assert later.indexed(3).due(4).tolist() == [0]


def test_every_document_waits_beside_a_generation_that_was_put_back():
    ledger = new_ledger(liveness({0: 1, PAGE: 3}, deleted=[1], revision=3)).indexed(3)
    assert ledger.due(3).tolist() == []
    assert ledger.put_back().due(3).tolist() == [0, PAGE]


deltas = st.lists(
    st.dictionaries(st.integers(0, 3 * PAGE), st.booleans(), max_size=8), min_size=1, max_size=8
)


@given(deltas)
def test_a_ledger_is_a_dictionary_of_what_lives(steps):
    ledger, expected, revision = new_ledger(liveness({}, revision=0)), {}, 0
    for step in steps:
        live, deleted = {}, []
        for ordinal, lives in step.items():
            revision += 1
            if lives:
                live[ordinal] = expected[ordinal] = revision
            else:
                deleted.append(ordinal)
                expected.pop(ordinal, None)
        ledger = ledger.moved(liveness(live, deleted=deleted, revision=revision))
    asked = sorted({ordinal for step in steps for ordinal in step} | {0, PAGE - 1, PAGE})
    assert revisions(ledger, *asked) == [expected.get(ordinal, -1) for ordinal in asked]
