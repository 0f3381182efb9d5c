import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.documents import Ack
from molt.index.catalog.rows import reading
from molt.index.errors import (
    CollectionNotFoundError,
    DocumentNotFoundError,
    DuplicateDocumentError,
    InvalidDocumentError,
    InvalidFieldError,
)


def _documents(count: int, *, start: int = 0) -> list[Document]:
    return [Document(f"d{number:05}", f"text {number}") for number in range(start, start + count)]


def test_a_document_comes_back_as_it_was_sent(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    sent = Document(
        "ä/ö ü?#%",
        "line\nbreak\ttab 🙂 e\u0301",
        title="  a title ",
        metadata={"z": 1, "a": [True, None, 1.5, {"deep": "ß"}], "big": 2**63 - 1, "low": -(2**63)},
    )
    catalog.documents.upsert(catalog_collection, [sent])
    found = catalog.documents.get(catalog_collection, sent.id)
    assert found.document == sent
    assert list(found.document.metadata) == ["z", "a", "big", "low"]


def test_each_change_takes_the_next_revision(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    first = catalog.documents.upsert(catalog_collection, _documents(3))
    second = catalog.documents.upsert(catalog_collection, [Document("d00001", "new text")])
    assert (first, second) == (Ack(3, 3), Ack(1, 4))
    found = catalog.documents.page(catalog_collection, limit=9)
    assert [(one.document.id, one.ordinal, one.revision) for one in found] == [
        ("d00000", 0, 1),
        ("d00001", 1, 4),
        ("d00002", 2, 3),
    ]
    assert catalog.collections.get("default").revision == 4


def test_an_identical_document_is_accepted_and_changes_nothing(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    document = Document("d", "text", title="title", metadata={"a": 1, "b": [1, 2]})
    catalog.documents.upsert(catalog_collection, [document])
    assert catalog.documents.upsert(catalog_collection, [document]) == Ack(1, 1)
    assert catalog.documents.get(catalog_collection, "d").revision == 1


@pytest.mark.parametrize(
    "change",
    [{"text": "u"}, {"title": "u"}, {"metadata": {"a": 2}}, {"metadata": {"a": 1.0}}],
)
def test_a_change_of_any_field_is_a_change(
    catalog: Catalog, catalog_collection: Collection, change: dict[str, object]
) -> None:
    document = Document("d", "text", title="title", metadata={"a": 1})
    catalog.documents.upsert(catalog_collection, [document])
    changed = replace(document, **change)
    assert catalog.documents.upsert(catalog_collection, [changed]).revision == 2
    assert catalog.documents.get(catalog_collection, "d").document == changed


def test_of_a_mixed_batch_only_the_changed_documents_get_revisions(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.documents.upsert(catalog_collection, _documents(3))
    batch = [Document("new", "n"), *_documents(2), Document("d00002", "changed")]
    assert catalog.documents.upsert(catalog_collection, batch) == Ack(4, 5)
    changes = catalog.documents.changed(catalog_collection, after=3, limit=9)
    assert [one.document.id for one in changes.documents] == ["new", "d00002"]
    assert changes.are_all


def test_no_documents_are_a_valid_batch(catalog: Catalog, catalog_collection: Collection) -> None:
    catalog.documents.upsert(catalog_collection, _documents(2))
    assert catalog.documents.upsert(catalog_collection, []) == Ack(0, 2)


def test_a_deleted_document_is_gone_and_its_ordinal_is_buried(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.documents.upsert(catalog_collection, _documents(2))
    assert catalog.documents.delete(catalog_collection, "d00000") == Ack(1, 3)
    with pytest.raises(DocumentNotFoundError, match="'d00000'"):
        catalog.documents.get(catalog_collection, "d00000")
    liveness = catalog.documents.liveness(catalog_collection)
    assert liveness.ordinals.tolist() == [1]
    assert liveness.deleted.tolist() == [0]
    assert catalog.collections.get("default").documents == 1


def test_a_document_that_comes_back_gets_a_new_ordinal(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.documents.upsert(catalog_collection, _documents(1))
    catalog.documents.delete(catalog_collection, "d00000")
    catalog.documents.upsert(catalog_collection, _documents(1))
    back = catalog.documents.get(catalog_collection, "d00000")
    assert (back.ordinal, back.revision) == (1, 3)


def test_deleting_what_is_not_there_changes_nothing(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    with pytest.raises(DocumentNotFoundError):
        catalog.documents.delete(catalog_collection, "d")
    assert catalog.collections.get("default").revision == 0


@pytest.mark.parametrize("doc_id", ["", "x" * 513, "a\0b", "\ud800", "a\nb"])
def test_what_cannot_be_an_id_names_no_document(
    catalog: Catalog, catalog_collection: Collection, doc_id: str
) -> None:
    with pytest.raises(DocumentNotFoundError):
        catalog.documents.get(catalog_collection, doc_id)
    with pytest.raises(DocumentNotFoundError):
        catalog.documents.delete(catalog_collection, doc_id)


def test_an_id_that_comes_twice_in_a_batch_refuses_all_of_it(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    with pytest.raises(DuplicateDocumentError, match="'d' comes twice"):
        catalog.documents.upsert(
            catalog_collection, [Document("c", "x"), Document("d", "x"), Document("d", "y")]
        )
    assert catalog.collections.get("default").documents == 0


def test_one_bad_document_refuses_the_batch_and_is_named(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    with pytest.raises(InvalidDocumentError, match="document 'bad': text holds a NUL") as caught:
        catalog.documents.upsert(catalog_collection, [Document("d", "x"), Document("bad", "\0")])
    assert (caught.value.doc_id, caught.value.field) == ("bad", "text")
    assert catalog.documents.page(catalog_collection, limit=9) == []


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (Document("", "x"), "id"),
        (Document(7, "x"), "id"),  # type: ignore[arg-type]
        (Document([], "x"), "id"),  # type: ignore[arg-type]
        (Document("d", None), "text"),  # type: ignore[arg-type]
        (Document("d", ""), "text"),
        (Document("d", " \n", title=" "), "text"),
        (Document("d", "x", title="\udfff"), "title"),
        (Document("d", "x", metadata=[1]), "metadata"),  # type: ignore[arg-type]
        (Document("d", "x", metadata={"a": {"b": [0, float("nan")]}}), "metadata.a.b[1]"),
        (Document("d", "x", metadata={"a": 2**63}), "metadata.a"),
    ],
)
def test_an_invalid_field_is_named(
    catalog: Catalog, catalog_collection: Collection, document: Document, field: str
) -> None:
    with pytest.raises(InvalidDocumentError) as caught:
        catalog.documents.upsert(catalog_collection, [document])
    assert caught.value.field == field


def test_a_title_alone_is_a_document(catalog: Catalog, catalog_collection: Collection) -> None:
    assert catalog.documents.upsert(catalog_collection, [Document("d", "", title="t")]).accepted


def test_collections_do_not_see_each_other(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    other = catalog.collections.create("other")
    catalog.documents.upsert(catalog_collection, _documents(2))
    catalog.documents.upsert(other, [Document("d00000", "another text")])
    assert catalog.documents.get(other, "d00000").ordinal == 0
    assert catalog.documents.get(catalog_collection, "d00000").document.text == "text 0"
    assert len(catalog.documents.hydrate(other, [0, 1])) == 1


def test_a_deleted_collection_takes_no_documents(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.collections.delete("default")
    with pytest.raises(CollectionNotFoundError, match="'default'"):
        catalog.documents.upsert(catalog_collection, _documents(1))
    with pytest.raises(CollectionNotFoundError):
        catalog.documents.liveness(catalog_collection)


def test_pages_follow_each_other_in_the_order_of_code_points(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    ids = ["Z", "a", "B", "ä", "🙂", "a b", "\uffee", "10", "9"]
    catalog.documents.upsert(catalog_collection, [Document(one, "x") for one in ids])
    seen: list[str] = []
    while page := catalog.documents.page(
        catalog_collection, after=seen[-1] if seen else None, limit=2
    ):
        seen += [one.document.id for one in page]
    assert seen == sorted(ids)


def test_a_page_after_what_cannot_be_an_id_is_refused(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    with pytest.raises(InvalidFieldError, match="after"):
        catalog.documents.page(catalog_collection, after="\ud800", limit=1)


def test_changes_come_by_revision_and_can_be_followed(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.documents.upsert(catalog_collection, _documents(5))
    catalog.documents.upsert(catalog_collection, [Document("d00001", "changed")])
    catalog.documents.delete(catalog_collection, "d00003")
    seen: list[int] = []
    while found := catalog.documents.changed(
        catalog_collection, after=seen[-1] if seen else 0, limit=2
    ).documents:
        seen += [one.revision for one in found]
    assert seen == [1, 3, 5, 6]


def test_of_long_documents_fewer_come_at_once_and_none_is_passed_over(
    catalog: Catalog, catalog_collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHANGED_CHARS", 1000)
    texts = ["x" * 5000, "y" * 400, "z" * 400, "w" * 400, "v" * 10, "u" * 10]
    written = [Document(f"d{number}", text) for number, text in enumerate(texts)]
    catalog.documents.upsert(catalog_collection, written)
    reached, taken = 0, list[list[str]]()
    while True:
        changes = catalog.documents.changed(catalog_collection, after=reached, limit=100)
        taken.append([one.document.id for one in changes.documents])
        reached = changes.reached(after=reached, newest=9)
        if changes.are_all:
            break
    assert taken == [["d0"], ["d1", "d2", "d3"], ["d4", "d5"]]
    assert reached == 9


def test_hydrate_takes_more_ordinals_than_one_statement_can(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.documents.upsert(catalog_collection, _documents(2100))
    catalog.documents.delete(catalog_collection, "d00007")
    found = catalog.documents.hydrate(catalog_collection, np.arange(2200))  # type: ignore[arg-type]
    assert sorted(found) == [ordinal for ordinal in range(2100) if ordinal != 7]
    assert found[2099].document.id == "d02099"


def test_liveness_since_a_revision_is_what_changed_after_it(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    since = catalog.documents.upsert(catalog_collection, _documents(4)).revision
    catalog.documents.upsert(catalog_collection, [Document("d00002", "changed")])
    catalog.documents.delete(catalog_collection, "d00001")
    liveness = catalog.documents.liveness(catalog_collection, after=since)
    assert (liveness.ordinals.tolist(), liveness.revisions.tolist()) == ([2], [5])
    assert liveness.deleted.tolist() == [1]
    assert liveness.revision == 6
    assert {liveness.ordinals.dtype, liveness.revisions.dtype, liveness.deleted.dtype} == {
        np.dtype(np.int64)
    }


def test_the_liveness_of_an_empty_collection_is_empty(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    liveness = catalog.documents.liveness(catalog_collection)
    assert (len(liveness.ordinals), len(liveness.deleted), liveness.revision) == (0, 0, 0)


def test_writing_threads_share_out_revisions_without_gaps(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    def write(writer: int) -> list[int]:
        return [
            catalog.documents.upsert(
                catalog_collection, [Document(f"{writer}-{turn}-{n}", "x") for n in range(3)]
            ).revision
            for turn in range(8)
        ]

    with ThreadPoolExecutor(6) as pool:
        ends = sorted(end for ends in pool.map(write, range(6)) for end in ends)
    _assert_gap_free(catalog, ends, size=3)


_WRITER = """
import sys
from molt.index.catalog.catalog import open_catalog
from molt.index.catalog.document import Document
url, writer = sys.argv[1:]
catalog = open_catalog(url)
collection = catalog.collections.get("default")
for turn in range(8):
    batch = [Document(f"{writer}-{turn}-{n}", "x") for n in range(3)]
    print(catalog.documents.upsert(collection, batch).revision)
"""


def test_writing_processes_share_out_revisions_without_gaps(
    catalog: Catalog, catalog_collection: Collection, catalog_url: str
) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, catalog_url, name], stdout=subprocess.PIPE, text=True
        )
        for name in "abc"
    ]
    ends = sorted(int(end) for writer in writers for end in writer.communicate()[0].split())
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    _assert_gap_free(catalog, ends, size=3)


def _assert_gap_free(catalog: Catalog, ends: list[int], *, size: int) -> None:
    assert ends == list(range(size, size * len(ends) + 1, size))
    liveness = catalog.documents.liveness(catalog.collections.get("default"))
    assert liveness.revisions.tolist() == list(range(1, ends[-1] + 1))
    assert sorted(liveness.ordinals.tolist()) == list(range(ends[-1]))


_METADATA = st.dictionaries(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(metadata=_METADATA, text=st.text(max_size=40))
def test_whatever_is_accepted_comes_back_unchanged(
    catalog: Catalog, metadata: dict[str, object], text: str
) -> None:
    if not any(one.name == "any" for one in catalog.collections.list()):
        catalog.collections.create("any")
    collection = catalog.collections.get("any")
    sent = Document("d", text, title="t", metadata=metadata)
    try:
        catalog.documents.upsert(collection, [sent])
    except InvalidDocumentError:
        assert "\0" in text
        return
    found = catalog.documents.get(collection, "d").document
    assert found == sent
    assert list(found.metadata) == list(metadata)
