"""Generations that earlier versions wrote: each must open and answer for ever."""

import numpy as np
import pytest

from molt.index.catalog.rows.liveness import Liveness
from molt.index.errors import FilterError
from molt.index.generations.generation import GENERATION_FORMAT, GenerationStore
from molt.index.generations.snapshot import open_snapshot
from molt.index.segments.filters.filter import parse_filter
from tests.paths import GOLDEN

AXES = np.eye(8, dtype=np.float32)


@pytest.fixture(params=sorted(GOLDEN.glob("generation-*")), ids=lambda path: path.name)
def snapshot(request):
    """A golden generation; its document 2 has been deleted."""
    store = GenerationStore(request.param)
    [generation_id] = store.ids()
    live = np.array([0, 1, 3, 4, 5])
    liveness = Liveness(live, live + 1, np.array([2]), 7)
    return open_snapshot(store, store.read(generation_id), liveness)


def test_every_format_that_was_ever_written_is_kept():
    formats = {int(path.name.removeprefix("generation-")) for path in GOLDEN.glob("generation-*")}
    assert formats == set(range(1, GENERATION_FORMAT + 1))


def test_an_old_generation_opens_and_answers(snapshot):
    found = snapshot.search(AXES[5] + AXES[3] / 2, k=2)
    assert [(hit.ordinal, hit.passage, hit.score) for hit in found.hits] == [
        (4, 1, 1.0),
        (3, 0, 0.5),
    ]
    assert found.total == 5


def test_the_filters_of_an_old_generation_still_work(snapshot):
    for where, ordinals in (
        ({"field": "tags", "eq": "b"}, [0]),
        ({"field": "deep.on", "eq": True}, [1]),
        ({"field": "n", "gte": 1}, [1, 4]),
        ({"field": "n", "exists": False}, [3, 5]),
    ):
        found = snapshot.search(AXES[0], k=5, where=parse_filter(where))
        assert sorted(hit.ordinal for hit in found.hits) == ordinals


KNOWN_SINCE_3 = (
    ({"field": "id", "gte": "b", "lt": "f"}, [1, 3, 4]),
    ({"field": "sold", "is_null": True}, [3]),
    (
        {
            "field": "parts",
            "any_element": {"all": [{"field": "n", "eq": 1}, {"field": "of", "eq": "b"}]},
        },
        [],
    ),
    (
        {
            "field": "parts",
            "any_element": {"all": [{"field": "n", "eq": 2}, {"field": "of", "eq": "b"}]},
        },
        [0],
    ),
)


def test_what_an_old_generation_does_not_know_is_refused(snapshot):
    for where, ordinals in KNOWN_SINCE_3:
        if snapshot.store.root.name in {"generation-1", "generation-2"}:
            with pytest.raises(FilterError, match="renew it by `molt reindex`"):
                snapshot.search(AXES[0], k=5, where=parse_filter(where))
        else:
            found = snapshot.search(AXES[0], k=5, where=parse_filter(where))
            assert sorted(hit.ordinal for hit in found.hits) == ordinals


def test_the_graph_of_an_old_generation_still_answers(snapshot):
    graph = snapshot.scopes[0].segment.graph
    assert graph.search(AXES[:4], AXES[3], k=1).rows.tolist() == [3]


def test_an_old_generation_still_knows_who_is_in_quarantine(snapshot):
    held = [one.doc_id for one in snapshot.manifest.quarantined]
    assert held == ([] if snapshot.store.root.name == "generation-1" else ["g"])


def test_a_graph_that_has_grown_knows_nodes_without_rows(snapshot):
    graph = snapshot.scopes[0].segment.graph
    grown = snapshot.store.root.name not in {"generation-1", "generation-2", "generation-3"}
    assert graph.n_nodes == (5 if grown else 4)
    assert [graph.search(AXES[:4], AXES[at], k=1).rows.tolist() for at in range(4)] == [
        [0],
        [1],
        [2],
        [3],
    ]
