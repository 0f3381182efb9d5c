"""A lexical index, opened: which documents are found by which words, and in which order."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.index.errors import LexicalError
from molt.index.lexical.analysis import Analysis
from molt.index.lexical.lexical_index import LexicalIndex, index_in_memory
from molt.index.lexical.planning import MOST_TERMS
from tests.index.lexical.words import WordHome, worded

BOOTS = (
    worded("warm", "Warm waterproof boots for the snow", "Winter boots", brand="acme"),
    worded("rubber", "Boots of rubber, waterproof", brand="other", specs={"color": "red"}),
    worded("lamp", "A lamp for the desk, warm light", "Desk lamp", brand="acme"),
    worded("code", "Part number AB1234 for the heating", codes=[17, "x9"]),
    worded("wireless", "Wireless headphones, running for hours"),
)


@pytest.fixture
def boots(word_home: WordHome) -> LexicalIndex:
    return word_home.index(*BOOTS)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("boot", {"warm", "rubber"}),
        ("rubber lamp", {"rubber", "lamp"}),
        ('"waterproof boots"', {"warm"}),
        ('"boots waterproof"', set()),
        ('"boots for snow"', set()),
        ('"boots for the snow"', {"warm"}),
        ("boots -rubber", {"warm"}),
        ("boots +snow lamp", {"warm"}),
        ("-boots", {"lamp", "code", "wireless"}),
        ("title:boots", {"warm"}),
        ("-title:lamp", {"warm", "rubber", "code", "wireless"}),
        ('title:"desk lamp"', {"lamp"}),
        ("brand:acme", set()),
        ("ab1234", {"code"}),
        ("the", set()),
        ("+the boots", {"warm", "rubber"}),
        ("", set()),
        ('+ - " ""', set()),
    ],
)
def test_what_is_asked_for_is_found(
    word_home: WordHome, boots: LexicalIndex, query: str, expected: set[str]
) -> None:
    assert set(word_home.found(boots, query)) == expected


def test_who_has_more_of_the_words_comes_first(word_home: WordHome, boots: LexicalIndex) -> None:
    assert word_home.found(boots, "warm waterproof boots")[0] == "warm"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("wirelss", ["wireless"]),
        ("waterprof", ["warm", "rubber"]),
        ("headphnoes", ["wireless"]),
        ("runing", ["wireless"]),
        ("lam", []),
        ("ab1235", []),
        ("+wirelss", []),
        ('"wirelss"', []),
    ],
)
def test_a_word_that_nobody_wrote_finds_what_is_spelt_alike(
    word_home: WordHome, boots: LexicalIndex, query: str, expected: list[str]
) -> None:
    assert sorted(word_home.found(boots, query)) == sorted(expected)


def test_a_misspelt_word_counts_less_than_one_that_is_there(
    word_home: WordHome, boots: LexicalIndex
) -> None:
    assert word_home.found(boots, "headphnoes rubber") == ["rubber", "wireless"]
    assert boots.plan("headphnoes rubber").misspelt == ("headphnoes",)


def test_the_fewer_letters_differ_the_better(word_home: WordHome) -> None:
    index = word_home.index(worded("two", "waterproooof"), worded("one", "waterproooff"))
    assert word_home.found(index, "waterprooof") == ["two", "one"]


def test_fields_of_metadata_are_searched_where_they_have_a_weight(word_home: WordHome) -> None:
    weights = {"brand": 1.0, "specs.color": 0.0, "codes": 2.0}
    index = word_home.index(*BOOTS, analysis=Analysis(weights=weights))
    assert set(word_home.found(index, "acme")) == {"warm", "lamp"}
    assert word_home.found(index, "specs.color:red") == ["rubber"]
    assert word_home.found(index, "red") == []
    assert word_home.found(index, "17") == word_home.found(index, "codes:x9") == ["code"]


def test_a_heavier_title_comes_first(word_home: WordHome) -> None:
    documents = worded("in-text", "boots boots boots"), worded("in-title", "shoes of old", "boots")
    index = word_home.index(*documents)
    assert word_home.found(index, "boots")[0] == "in-text"
    index = word_home.index(analysis=Analysis(weights={"title": 50.0}))
    assert word_home.found(index, "boots")[0] == "in-title"


def test_a_phrase_does_not_go_on_from_the_title_into_the_text(word_home: WordHome) -> None:
    index = word_home.index(worded("a", "lamp of glass", "Desk"))
    assert word_home.found(index, '"desk lamp"') == []


def test_only_documents_among_some_are_found(boots: LexicalIndex) -> None:
    query = boots.plan("boots")
    hits = boots.search(query, k=10, among=[1, 2])
    assert hits.ordinals.tolist() == [1]
    assert hits.scores.tolist() == [
        score
        for score, ordinal in zip(*_columns(boots.search(query, k=10)), strict=True)
        if ordinal == 1
    ]
    assert boots.search(query, k=10, among=[]).total == 0


def _columns(hits):
    return hits.scores.tolist(), hits.ordinals.tolist()


def test_all_matches_are_counted_and_a_few_are_ranked(boots: LexicalIndex) -> None:
    hits = boots.search(boots.plan("warm boots"), k=1)
    assert (len(hits), hits.total) == (1, 3)


def test_each_hit_tells_its_revision(boots: LexicalIndex) -> None:
    assert boots.search(boots.plan("lamp"), k=1).revisions.tolist() == [3]


def test_of_very_many_words_the_first_are_read(word_home: WordHome, boots: LexicalIndex) -> None:
    many = " ".join(f"w{n}x" for n in range(MOST_TERMS))
    query = boots.plan(f"boots {many}")
    assert query.truncated
    assert set(word_home.found(boots, f"boots {many}")) == {"warm", "rubber"}
    assert not boots.plan("boots " * 1_000).truncated


def test_tantivys_files_are_opened_when_something_is_searched_for(boots: LexicalIndex) -> None:
    assert not boots.is_open
    boots.warm()
    assert boots.is_open


def test_a_commit_that_has_gone_is_told(word_home: WordHome, boots: LexicalIndex) -> None:
    word_home.store.remove(word_home.collection.id)
    with pytest.raises(LexicalError, match="cannot be opened"):
        boots.plan("boots")


_SCRIPTS = "\u4e1c\u4eac \u3053\u3093 \u0645\u0631 \u0e2a\u0e27 \U0001f600 \ufffd\u200b\u0301"


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=st.text(max_size=100) | st.text(alphabet=f'+-":*~^()[]{{}}\\ boots{_SCRIPTS}'))
def test_no_query_fails(boots: LexicalIndex, query: str) -> None:
    hits = boots.search(boots.plan(query), k=10)
    assert len(hits) == min(hits.total, 10)


@pytest.mark.parametrize(
    "text", ["a" * 8_192, '"' * 8_192, "-a " * 2_730, "\u6771" * 8_192, "+a:b " * 1_600]
)
def test_long_queries_do_not_fail(boots: LexicalIndex, text: str) -> None:
    boots.search(boots.plan(text), k=10)


def test_a_corpus_in_memory_is_found_by_its_words_as_one_on_disk(boots: LexicalIndex) -> None:
    made = index_in_memory(BOOTS)
    for query in ("boots", "warm light", '"waterproof boots"', "boots -rubber", "hedphones"):
        found, expected = (one.search(one.plan(query), k=10) for one in (made, boots))
        assert found.ordinals.tolist() == expected.ordinals.tolist()
        assert found.scores.tolist() == expected.scores.tolist()
        assert made.plan(query).ceiling == boots.plan(query).ceiling
    assert made.n_rows == len(BOOTS)
