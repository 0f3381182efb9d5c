"""Whatever a filter keeps of documents that are all indexed, is selected, indexed or not."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.rows import reading
from molt.index.errors import CollectionNotFoundError, FilterError, UnknownFieldError
from molt.index.segments.attributes import attributes_of
from molt.index.segments.field_kinds import check_fields
from molt.index.segments.filters.clauses import Condition, Filter, OneOf, conditions
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.filters.matching import matching_rows
from molt.index.segments.scalar import ID_FIELD, ScalarKind
from molt.index.selection.selection import delete_selected, select_matching

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([0.5, 1.0, "1", "a", "n/a", ""]),
)
FIELDS = st.sampled_from(["a", "b", "c.d"])
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "a": st.one_of(VALUES, st.lists(VALUES, max_size=3)),
        "b": VALUES,
        "c": st.fixed_dictionaries({"d": VALUES}),
    },
)
SCALARS = st.sampled_from([True, 0, 1, 1.5, "1", "a"])
CONDITIONS = st.one_of(
    st.fixed_dictionaries({"field": FIELDS, "eq": SCALARS}),
    st.fixed_dictionaries({"field": FIELDS, "gte": st.sampled_from([0, 1, "a"])}),
    st.fixed_dictionaries({"field": FIELDS, "exists": st.booleans()}),
    st.fixed_dictionaries({"field": FIELDS, "is_null": st.booleans()}),
    st.fixed_dictionaries({"field": FIELDS, "ne": SCALARS}),
    st.just({"field": "id", "in": ["d0", "d2"]}),
    st.just({"field": "c", "any_element": {"field": "d", "eq": 1}}),
)
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    with closing(open_catalog(home_url(tmp_path_factory.mktemp("home")))) as catalog:
        yield catalog


def filled(catalog: Catalog, *metadata: Mapping[str, Any]) -> str:
    """The name of a new collection of such documents."""
    collection = catalog.collections.create(f"c{uuid4().hex}")
    documents = [Document(f"d{n}", "text", metadata=each) for n, each in enumerate(metadata)]
    catalog.documents.upsert(collection, documents)
    return collection.name


def selected(catalog: Catalog, name: str, where: Filter) -> list[int] | type[Exception]:
    try:
        return list(select_matching(catalog, name, where).ordinals)
    except FilterError as error:
        return type(error)


def operands(where: Filter) -> list[tuple[str, ScalarKind]]:
    """The kinds of the values that fields are compared with."""
    return [
        (one.field, value.kind)
        for _, one in conditions(where)
        if isinstance(one, Condition)
        for test in (*one.tests, one.excluded)
        if isinstance(test, OneOf)
        for value in test.values
    ]


def expected(metadata: list[dict[str, Any]], where: Filter) -> list[int] | type[Exception]:
    """What a search over one segment with all of them would find."""
    attributes = attributes_of(metadata, ids=[f"d{row}" for row in range(len(metadata))])
    try:
        check_fields(where, [attributes])
    except FilterError as error:
        return type(error)
    fields = {one.field for _, one in conditions(where)} - {ID_FIELD}
    if not all(map(attributes.kinds, fields)):
        return UnknownFieldError
    if not all(attributes.has(*asked) for asked in operands(where)):
        return FilterError
    mask = matching_rows(where, attributes, n_rows=len(metadata))
    return [row for row, kept in enumerate(mask) if kept]


@settings(max_examples=60)
@given(metadata=st.lists(METADATA, min_size=1, max_size=7), wanted=FILTERS)
def test_documents_read_in_batches_are_selected_as_if_they_were_one_segment(
    catalog: Catalog, metadata: list[dict[str, Any]], wanted: dict[str, Any]
) -> None:
    where = parse_filter(wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_DOCUMENTS", 2)
        assert selected(catalog, filled(catalog, *metadata), where) == expected(metadata, where)


def test_a_kind_that_one_batch_alone_has_counts_for_all_of_them(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_DOCUMENTS", 1)
    name = filled(catalog, {"price": "n/a"}, {"price": 5}, {"price": "12"})
    assert selected(catalog, name, parse_filter({"field": "price", "lte": 12})) == [1, 2]
    assert selected(catalog, name, parse_filter({"field": "price", "gte": "a"})) == [0]


def test_a_batch_of_large_metadata_ends_early_and_nothing_is_left_out(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CHARS", 10)
    name = filled(catalog, *({"a": "x" * 20} for _ in range(5)))
    assert selected(catalog, name, parse_filter({"field": "a", "exists": True})) == [0, 1, 2, 3, 4]


def test_a_document_that_was_changed_since_it_was_selected_is_not_deleted(catalog: Catalog) -> None:
    name = filled(catalog, *({"a": n} for n in range(3)))
    selection = select_matching(catalog, name, parse_filter({"field": "a", "gte": 0}))
    catalog.documents.upsert(selection.collection, [Document("d1", "new", metadata={"a": 1})])
    catalog.documents.delete(selection.collection, "d2")
    (part,) = selection.parts()
    assert delete_selected(catalog, part).accepted == 1
    assert [one.document.id for one in catalog.documents.page(part.collection, limit=9)] == ["d1"]


def test_a_document_that_came_while_others_were_being_selected_is_not_meant(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = filled(catalog, {"a": 1}, {"a": 1})
    read = reading.read_metadata

    def write_and_read(*given: Any, **named: Any) -> Any:
        late = Document(uuid4().hex, "text", metadata={"a": 1})
        other.documents.upsert(other.collections.get(name), [late])
        return read(*given, **named)

    url = catalog.database.engine.url.render_as_string(hide_password=False)
    with closing(open_catalog(url)) as other:
        monkeypatch.setattr("molt.index.catalog.documents.read_metadata", write_and_read)
        found = selected(catalog, name, parse_filter({"field": "a", "eq": 1}))
    assert found == [0, 1]


def test_a_collection_that_is_not_there_has_no_documents_to_select(catalog: Catalog) -> None:
    with pytest.raises(CollectionNotFoundError):
        select_matching(catalog, "nowhere", parse_filter({"field": "a", "eq": 1}))


@pytest.mark.parametrize(
    "test",
    [{"ne": "2020"}, {"eq": "2020"}, {"in": [2020, "2020"]}, {"ne": True}],
)
def test_a_value_of_a_kind_that_its_field_does_not_hold_selects_nothing(
    catalog: Catalog, test: dict[str, Any]
) -> None:
    name = filled(catalog, {"year": 2020}, {"year": 2021})
    for where in ({"field": "year"} | test, {"not": {"field": "year"} | test}):
        with pytest.raises(FilterError, match=r"'year' holds numbers, not (text|booleans)"):
            select_matching(catalog, name, parse_filter(where))


def test_a_text_that_is_a_number_is_a_number_to_compare_with(catalog: Catalog) -> None:
    name = filled(catalog, {"year": "2020"}, {"year": "2021"})
    assert selected(catalog, name, parse_filter({"field": "year", "ne": 2020})) == [1]
    assert selected(catalog, name, parse_filter({"field": "year", "ne": "2020"})) == [1]


def test_ids_are_compared_with_texts_alone(catalog: Catalog) -> None:
    name = filled(catalog, {}, {})
    for wanted in ({"ne": True}, {"ne": 1.5}, {"in": ["d0", False]}):
        with pytest.raises(FilterError, match="'id' holds text"):
            select_matching(catalog, name, parse_filter({"field": "id"} | wanted))
    assert selected(catalog, name, parse_filter({"field": "id", "ne": "d0"})) == [1]
