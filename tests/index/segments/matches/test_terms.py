import numpy as np

from molt.index.segments.attributes import attributes_of
from molt.index.segments.matches.terms import remembered_terms, terms_of

METADATA = [
    {"a": ["x", 2, True]},
    {"a": [{"b": 1}, {"b": 1}, {"b": 2}]},
    {"a": ["x", "2", 2**53 + 1]},
    {"a": 2.5, "b": None},
]


def test_each_value_is_known_by_what_it_is_in_its_order() -> None:
    terms = terms_of(attributes_of(METADATA), "a")
    everything = terms.values(np.arange(len(terms)))
    assert everything == [2, 2.5, 2**53 + 1, "2", "x", True]
    assert [type(one) for one in everything] == [int, float, int, str, str, bool]


def test_a_document_has_a_value_once() -> None:
    terms = terms_of(attributes_of(METADATA), "a.b")
    assert terms.counts(np.ones(4, bool)).tolist() == [1, 1]


def test_values_are_found_by_their_numbers() -> None:
    terms = terms_of(attributes_of(METADATA), "a")
    assert terms.find(["x", 2, "2", True, 2.5, "y", 3, False]).tolist() == [
        4,
        0,
        3,
        5,
        1,
        -1,
        -1,
        -1,
    ]
    assert terms.find([]).tolist() == []


def test_of_several_values_the_least_is_the_first() -> None:
    codes, rows = terms_of(attributes_of(METADATA), "a").firsts
    assert dict(zip(rows.tolist(), codes.tolist(), strict=True)) == {0: 0, 2: 2, 3: 1}


def test_a_field_that_nobody_has_has_no_terms() -> None:
    terms = terms_of(attributes_of(METADATA), "z")
    assert (len(terms), terms.counts(np.ones(4, bool)).tolist()) == (0, [])
    assert terms.find(["x"]).tolist() == [-1]


def test_terms_are_made_once() -> None:
    attributes = attributes_of(METADATA)
    assert remembered_terms(attributes, "a") is remembered_terms(attributes, "a")
