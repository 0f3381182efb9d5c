"""docs/filters.md: every example finds what stands beside it."""

import re

import orjson
import pytest

from molt.index.segments.attributes import attributes_of
from molt.index.segments.field_kinds import check_fields
from molt.index.segments.filters.clauses import conditions
from molt.index.segments.filters.filter import filter_schema, parse_filter
from molt.index.segments.filters.matching import matching_rows
from tests.paths import DOCS

PAGE = (DOCS / "filters.md").read_text(encoding="utf-8")
INTRODUCTION, DOCUMENTS = map(orjson.loads, re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
EXAMPLES = re.findall(r"^\| `(\{.*\})` \| ([\w, ]*)\|$", PAGE, re.MULTILINE)


def test_the_page_has_examples():
    assert len(EXAMPLES) > 30
    fields = [one.field for _, one in conditions(parse_filter(INTRODUCTION))]
    assert fields == ["brand", "price", "tags", "sold"]


@pytest.mark.parametrize(("example", "found"), EXAMPLES)
def test_an_example_finds_what_stands_beside_it(example, found):
    ids = [one["id"] for one in DOCUMENTS]
    attributes = attributes_of([one["metadata"] for one in DOCUMENTS], ids=ids)
    where = parse_filter(orjson.loads(example))
    check_fields(where, [attributes])
    mask = matching_rows(where, attributes, n_rows=len(ids))
    assert ", ".join(ids[row] for row in mask.nonzero()[0]) == found.strip()


def test_every_operator_of_the_schema_is_on_the_page():
    condition, element, *_ = filter_schema("#")["anyOf"]
    for name in {*condition["properties"], *element["properties"]}:
        assert f"`{name}`" in PAGE
