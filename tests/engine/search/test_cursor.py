import os
import subprocess
import sys
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.engine.errors import CursorError
from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidates, Stopwatch
from molt.engine.search.cursor import Cursor, read_cursor, search_digest, write_cursor
from molt.engine.search.dense import DenseRetriever
from molt.engine.search.pipeline import Pipeline
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.matches.order import Position, SortField
from tests.app.serving import open_engine
from tests.paths import ROOT

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = st.one_of(
    st.none(),
    st.tuples(st.just(0), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.sampled_from([0, 1]), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(2), texts),
    st.tuples(st.just(3), st.sampled_from([0, 1])),
)
positions = st.builds(
    Position,
    st.lists(keys, max_size=3).map(tuple),
    st.floats(-1, 1, width=32),
    texts | st.integers(0, 2**63 - 1),
)
cursors = st.builds(
    Cursor,
    st.just("0123456789abcdef"),
    st.just("c" * 16),
    st.integers(0, 10**9),
    st.none() | positions,
    st.frozensets(st.integers(0, 2**31), max_size=20),
)


@given(cursors)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert read_cursor(write_cursor(cursor)) == cursor


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(texts, inner, max_size=8),
    max_leaves=12,
)


def encoded(body: object) -> str:
    return urlsafe_b64encode(orjson.dumps(body)).decode().rstrip("=")


@given(st.text(max_size=40) | st.lists(json, min_size=8, max_size=8).map(encoded))
def test_what_no_answer_gave_is_refused(written: str) -> None:
    with pytest.raises(CursorError, match="leave it out"):
        read_cursor(written)


@pytest.mark.parametrize(
    "body",
    [
        [1, "s", "c", 3, [[1, 2.5]], 0.5, 7, []],
        [1, "s", "c", 3, [[1, 1e300]], 0.5, 7, []],
        [1, "s", "c", 3, [[4, 1]], 0.5, 7, []],
        [1, "s", "c", 3, [[2, 1]], 0.5, 7, []],
        [1, "s", "c", 3, [[0, 1, 1]], 0.5, 7, []],
        [1, "s", "c", -3, [], 0.5, 7, []],
        [1, "s", "c", 3, [], "0.5", 7, []],
        [1, "s", "c", 3, [], 0.5, 7, {"a": 1}],
        [1, "s", "c", 3, [], 0.5, 7, ["a"]],
        [2, "s", "c", 3, [], 0.5, 7, []],
    ],
)
def test_a_cursor_that_was_tampered_with_is_refused(body: list[object]) -> None:
    with pytest.raises(CursorError):
        read_cursor(encoded(body))


PROGRAM = """
from molt.engine.search.cursor import search_digest
from molt.engine.search.query import SearchQuery
from molt.index.segments.filters.filter import parse_filter
where = parse_filter({"any": [{"field": "a", "in": [*"abcdefg", 1, 2.5, True]}]})
print(search_digest(SearchQuery("boots", "shop", where=where)))
"""


def test_a_search_has_one_digest_in_every_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


ASKED = SearchQuery(
    "boots", "shop", where=parse_filter({"field": "a", "eq": 1}), sort=(SortField("a", "desc"),)
)


def test_another_search_has_another_digest_and_another_page_has_not() -> None:
    others = [
        replace(ASKED, text="boot"),
        replace(ASKED, collection="shops"),
        replace(ASKED, where=None),
        replace(ASKED, min_score=0.0),
        replace(ASKED, sort=()),
        replace(ASKED, group_by="a"),
    ]
    assert len({search_digest(one) for one in [ASKED, *others]}) == 7
    assert search_digest(replace(ASKED, k=3, offset=2, max_chars=7)) == search_digest(ASKED)


class Forgetful(DenseRetriever):
    """Misses the best document of a first page, as a graph may."""

    def retrieve(
        self, query: SearchQuery, live: Live, *, depth: int, watch: Stopwatch
    ) -> Candidates:
        found = super().retrieve(query, live, depth=depth + 1, watch=watch)
        if not query.ranked:
            return replace(found, ranking=found.ranking[:depth], more=len(found.ranking) > depth)
        return replace(found, ranking=found.ranking[1:], approximate=True)


def test_what_the_first_page_missed_is_on_the_second(tmp_path: Path) -> None:
    engine = open_engine(load_settings(home=tmp_path))
    shop = engine.catalog.collections.create("shop")
    documents = [Document(f"d{n}", f"boots {'wool ' * n}") for n in range(7)]
    engine.catalog.documents.upsert(shop, documents)
    assert engine.indexer.acquire()
    while engine.indexer.seal():
        pass
    live, catalog = engine.live_collections.get("shop"), engine.catalog
    pipeline = Pipeline((Forgetful(),))
    query, seen = SearchQuery("boots", "shop", k=2, mode="dense"), []
    while query:
        page = pipeline.search(query, live=live, catalog=catalog).page
        seen.append([hit.id for hit in page.hits])
        query = page.following and replace(query, cursor=page.following)
    assert seen == [["d1", "d2"], ["d0", "d3"], ["d4", "d5"], ["d6"]]
    engine.close()
