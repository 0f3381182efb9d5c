"""docs/facets.md: every example gives what stands beside it."""

import re
from typing import Any

import numpy as np
import orjson
import pytest

from molt.index.catalog.document import Document
from molt.index.segments.matches.paging import PageQuery
from molt.index.segments.matches.parsing import parse_facets, parse_group_by, parse_sort
from tests.paths import DOCS

PAGE = (DOCS / "facets.md").read_text(encoding="utf-8")
[DOCUMENTS] = map(orjson.loads, re.findall(r"```json\n(\[.*?)```", PAGE, re.DOTALL))
COUNTS = re.findall(r"^\| `(\S.*?)` \| `(\[.*\])` \|$", PAGE, re.MULTILINE)
ORDERS = re.findall(r"^\| `(\[.*?\])` \| (\w[\w, ]*) \|$", PAGE, re.MULTILINE)
GROUPS = re.findall(r"^\| `(\{\"sort.*?\})` \| (\w[\w, ]*) \|$", PAGE, re.MULTILINE)


@pytest.fixture
def match(segment_writer: Any, segment_catalog: Any, segment_collection: Any) -> Any:
    """All documents of the page."""
    documents = [Document(one["id"], one["id"], metadata=one["metadata"]) for one in DOCUMENTS]
    segment_catalog.documents.upsert(segment_collection, documents)
    writer = segment_writer()
    assert writer.advance(100)
    return writer.snapshot.match()


def ordered(match: Any, catalog: Any, collection: Any, **asked: Any) -> str:
    wanted = PageQuery(100, **asked)
    page = match.page(np.ones(16, np.float32), wanted)
    stored = catalog.documents.hydrate(collection, [one.hit.ordinal for one in page.standings])
    return ", ".join(stored[one.hit.ordinal].document.id for one in page.standings)


def test_the_page_has_examples() -> None:
    assert (len(COUNTS), len(ORDERS), len(GROUPS)) == (8, 5, 2)


@pytest.mark.parametrize(("facet", "counts"), COUNTS)
def test_a_facet_counts_what_stands_beside_it(match: Any, facet: str, counts: str) -> None:
    [found] = match.count(parse_facets([orjson.loads(facet)])).values()
    assert [{"value": one.value, "count": one.count} for one in found] == orjson.loads(counts)


@pytest.mark.parametrize(("sort", "ids"), ORDERS)
def test_an_order_is_the_one_that_stands_beside_it(
    match: Any, segment_catalog: Any, segment_collection: Any, sort: str, ids: str
) -> None:
    fields = parse_sort(orjson.loads(sort))
    assert ordered(match, segment_catalog, segment_collection, fields=fields) == ids


@pytest.mark.parametrize(("search", "ids"), GROUPS)
def test_groups_show_what_stands_beside_them(
    match: Any, segment_catalog: Any, segment_collection: Any, search: str, ids: str
) -> None:
    asked = orjson.loads(search)
    fields, group_by = parse_sort(asked["sort"]), parse_group_by(asked["group_by"])
    found = ordered(match, segment_catalog, segment_collection, fields=fields, group_by=group_by)
    assert found == ids
