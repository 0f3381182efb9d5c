"""Segments: written once, verified whenever they are opened, searched as they were written."""

from dataclasses import replace
from shutil import copyfile

import numpy as np
import pytest

from molt.artifact import CorruptFileError
from molt.index.errors import VectorError
from molt.index.segments.attributes import attributes_of
from molt.index.segments.exact import search_exactly
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.segment import SegmentContent, open_segment, write_segment
from tests.index.segment_fixtures import make_rows, unit_vectors

FILES = ["vectors.npy", "rows.npy", "metadata.parquet", "ann.faiss", "nodes.npy"]


@pytest.fixture
def content(segment_vectors, segment_rows):
    """Three documents, the second of which has two passages."""
    return SegmentContent(
        rows=segment_rows([4, 7, 7, 9]),
        blocks=[segment_vectors(4)],
        dimension=16,
        attributes=attributes_of([{"n": 1}, {"n": 2}, {}], rows=[0, 1, 3]),
    )


@pytest.fixture
def written(tmp_path, content):
    """The entry of `content`, written below `tmp_path` with a graph."""
    return write_segment(tmp_path, content, graph_from=4)


def test_a_segment_opens_as_it_was_written(tmp_path, content, written):
    segment = open_segment(tmp_path / written.id, written, dimension=16)
    assert len(segment) == 4
    assert segment.rows.tobytes() == content.rows.tobytes()
    assert np.array_equal(segment.vectors, content.blocks[0])
    assert segment.attributes.frame.equals(content.attributes.frame)
    assert segment.graph is not None


def test_a_small_segment_has_no_graph(tmp_path, content):
    assert "ann.faiss" not in write_segment(tmp_path, content).files


def test_vectors_are_mapped_and_cannot_be_changed(tmp_path, written):
    vectors = open_segment(tmp_path / written.id, written, dimension=16).vectors
    assert isinstance(vectors.base, np.memmap)
    assert not vectors.flags.writeable


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_any_file_is_found_and_the_file_named(tmp_path, written, name):
    path = tmp_path / written.id / name
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(CorruptFileError, match=name) as caught:
        open_segment(tmp_path / written.id, written, dimension=16)
    assert caught.value.path == path


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path, written, name):
    (tmp_path / written.id / name).unlink()
    with pytest.raises(CorruptFileError, match=f"{name}: the file is missing"):
        open_segment(tmp_path / written.id, written, dimension=16)


def test_a_segment_of_another_dimension_or_size_is_refused(tmp_path, written):
    with pytest.raises(CorruptFileError, match=r"vectors.npy.*\(4, 16\)"):
        open_segment(tmp_path / written.id, written, dimension=8)
    with pytest.raises(CorruptFileError, match=r"rows\.npy"):
        open_segment(tmp_path / written.id, replace(written, n_rows=5), dimension=16)


def test_a_manifest_cannot_name_files_elsewhere(tmp_path, written):
    copyfile(tmp_path / written.id / "rows.npy", tmp_path / "outside")
    files = dict(written.files) | {"../outside": written.files["rows.npy"]}
    with pytest.raises(CorruptFileError, match="is listed with the files"):
        open_segment(tmp_path / written.id, replace(written, files=files), dimension=16)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_vector_that_is_not_finite_is_refused_and_nothing_is_left(tmp_path, content, wrong):
    vectors = content.blocks[0].copy()
    vectors[2, 3] = wrong
    with pytest.raises(VectorError, match="vector 2 "):
        write_segment(tmp_path, replace(content, blocks=[vectors[:1], vectors[1:]]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(3, 16), (5, 16), (4, 8)])
def test_vectors_of_the_wrong_shape_are_refused(tmp_path, content, segment_vectors, shape):
    wrong = segment_vectors(shape[0], dimension=shape[1])
    with pytest.raises(VectorError, match="expected"):
        write_segment(tmp_path, replace(content, blocks=[wrong]))


@pytest.mark.parametrize("ordinals", [[2, 1], [1, 2, 1]])
def test_rows_out_of_order_are_refused(tmp_path, content, segment_rows, ordinals):
    with pytest.raises(ValueError, match="ordered by ordinal"):
        write_segment(tmp_path, replace(content, rows=segment_rows(ordinals)))


def test_a_segment_without_rows_is_refused(tmp_path, content):
    with pytest.raises(ValueError, match="non-empty"):
        write_segment(tmp_path, replace(content, rows=content.rows[:0]))


def test_a_filter_keeps_every_passage_of_a_document(tmp_path, written):
    segment = open_segment(tmp_path / written.id, written, dimension=16)
    kept = segment.matching(parse_filter({"field": "n", "eq": 2}))
    assert kept.tolist() == [False, True, True, False]
    missing = segment.matching(parse_filter({"field": "n", "exists": False}))
    assert missing.tolist() == [False, False, False, True]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A segment of 9,000 rows with a graph."""
    parent = tmp_path_factory.mktemp("large")
    rows = make_rows(range(9_000))
    content = SegmentContent(rows, [unit_vectors(9_000)], 16, attributes_of([]))
    entry = write_segment(parent, content, graph_from=9_000)
    return open_segment(parent / entry.id, entry, dimension=16)


@pytest.mark.parametrize(
    ("share", "exact"), [(0.001, True), (0.02, True), (0.9, False), (1.0, False)]
)
def test_a_segment_with_a_graph_finds_what_exact_search_finds(large, share, exact):
    mask = np.random.default_rng(1).random(9_000) < share
    assert large.is_exact(k=10, kept=np.count_nonzero(mask)) is exact
    found, expected = [], []
    for query in unit_vectors(20, seed=2):
        found += large.search(query, k=10, mask=mask).rows.tolist()
        expected += search_exactly(large.vectors, query, k=10, mask=mask).rows.tolist()
    assert len(found) == len(expected)
    assert np.isin(found, expected).mean() >= 0.98


def test_a_mask_far_from_the_query_is_searched_exactly_after_all(large):
    query = unit_vectors(1, seed=3)[0]
    scores = large.vectors @ query
    mask = scores < np.quantile(scores, 0.9)
    assert not large.is_exact(k=10, kept=np.count_nonzero(mask))
    expected = search_exactly(large.vectors, query, k=10, mask=mask).rows.tolist()
    assert large.search(query, k=10, mask=mask).rows.tolist() == expected
