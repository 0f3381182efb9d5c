"""Synonyms: rules as people write them, and what queries make of them."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.index.errors import InvalidFieldError
from molt.index.lexical import planning, synonyms
from molt.index.lexical.analysis import Analysis, Analyzer
from molt.index.lexical.lexical_index import LexicalIndex
from molt.index.lexical.synonyms import (
    SynonymRule,
    Synonyms,
    parse_synonym_lines,
    parse_synonyms,
    read_synonyms,
    write_synonyms,
)
from tests.index.lexical.words import WordHome, worded

SOFAS = SynonymRule(("sofa", "couch", "settee"), ("sofa", "couch", "settee"))
TV = SynonymRule(("tv",), ("television",))
USA = parse_synonym_lines("usa, united states of america")
SCRIPTS = 'abcd åß\u0301 дом 沙发 椅子 ソファ كلب שלום ไทย हिन्दी 🙂 0 9 + - " : , => \\ # _'


def ids(home: WordHome, index: LexicalIndex, query: str, *rules: SynonymRule) -> list[str]:
    hits = index.search(index.plan(query, synonyms=Synonyms(rules)), k=50)
    stored = home.catalog.documents.hydrate(home.collection, hits.ordinals.tolist())
    return [stored[ordinal].document.id for ordinal in hits.ordinals.tolist()]


def scores(index: LexicalIndex, query: str, *rules: SynonymRule) -> dict[int, float]:
    hits = index.search(index.plan(query, synonyms=Synonyms(rules)), k=50)
    return dict(zip(hits.ordinals.tolist(), hits.scores.tolist(), strict=True))


def test_lines_are_read_as_solr_reads_them() -> None:
    text = "\ufeff# furniture\n\nsofa,couch , settee\r\n  tv => television\nfast\\, cheap, a\\=>b"
    assert parse_synonym_lines(text) == (
        SOFAS,
        TV,
        SynonymRule(("fast, cheap", "a=>b"), ("fast, cheap", "a=>b")),
    )


def test_json_says_the_same_and_comes_back_from_the_catalog() -> None:
    given = [
        {"equivalent": ["sofa", "couch", "settee", "sofa"]},
        {"from": ["tv"], "to": ["television"]},
    ]
    rules = parse_synonyms(given)
    assert rules == (SOFAS, TV)
    assert read_synonyms(write_synonyms(rules)) == rules
    assert write_synonyms(()) is None
    assert read_synonyms(None) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a, b\nsofa", "line 2 names 'sofa' alone"),
        ("a =>", "line 1 has nothing before or after"),
        ("a,, b", "line 1 has nothing before or after"),
        ("a => b => c", "line 1 has more than one =>"),
        ("a, \0", "line 1 holds a NUL"),
        ("\n\na, " + "b" * 201, "line 3 has more than 200 characters: 'bbb"),
        ("a, " + ",".join(f"b{n}" for n in range(100)), "line 1 has 101 expressions"),
    ],
)
def test_a_line_that_is_wrong_is_named_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(InvalidFieldError) as error:
        parse_synonym_lines(text)
    assert str(error.value).startswith(said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "synonyms must be a list"),
        ([{}], "synonyms.0 must have"),
        ([{"equivalent": ["a", "b"]}, {"from": ["a"]}], "synonyms.1 must have"),
        ([{"from": ["a"], "to": []}], "synonyms.0.to must be a list of at least one"),
        ([{"from": "a", "to": ["b"]}], "synonyms.0.from must be a list"),
        ([{"from": [1], "to": ["b"]}], "synonyms.0.from must be a string"),
        ([{"from": [" "], "to": ["b"]}], "synonyms.0.from is empty"),
        ([{"equivalent": ["a", "a "]}], "synonyms.0.equivalent names 'a' alone"),
    ],
)
def test_a_rule_that_is_wrong_is_named_with_the_reason(value: object, said: str) -> None:
    with pytest.raises(InvalidFieldError) as error:
        parse_synonyms(value)
    assert str(error.value).startswith(said)


def test_there_are_bounds_to_rules_and_expressions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synonyms, "MOST_RULES", 2)
    with pytest.raises(InvalidFieldError, match="more than 2 rules"):
        parse_synonym_lines("a, b\n" * 3)
    monkeypatch.setattr(synonyms, "MOST_EXPRESSIONS", 3)
    with pytest.raises(InvalidFieldError, match="more than 3 expressions"):
        parse_synonym_lines("a, b\nc => d")


@pytest.mark.parametrize("text", ["🙂", SCRIPTS, "\\", "a,b=>" + "c" * 8192])
def test_whatever_is_written_is_rules_or_an_error_that_says_why(text: str) -> None:
    try:
        assert isinstance(parse_synonym_lines(text), tuple)
    except InvalidFieldError as error:
        assert error.field.startswith("line 1")  # noqa: PT017  either is right


def test_words_that_are_equivalent_find_each_other(word_home: WordHome) -> None:
    index = word_home.index(
        worded("s", "a sofa"), worded("c", "the couches"), worded("t", "tables")
    )
    assert ids(word_home, index, "settee", SOFAS) == ["s", "c"]
    assert ids(word_home, index, "sofas", SOFAS) == ["s", "c"]
    assert ids(word_home, index, "couch", SOFAS) == ["c", "s"]
    assert ids(word_home, index, "couch") == ["c"]


def test_a_one_way_rule_holds_one_way_and_keeps_the_word_itself(word_home: WordHome) -> None:
    index = word_home.index(worded("a", "a tv"), worded("b", "a television"))
    assert ids(word_home, index, "tv", TV) == ["a", "b"]
    assert ids(word_home, index, "television", TV) == ["b"]


def test_several_words_on_either_side_are_one_expression(word_home: WordHome) -> None:
    index = word_home.index(
        worded("short", "made in usa"),
        worded("long", "the united states of america"),
        worded("apart", "america, united by states"),
        worded("part", "united kingdom"),
    )
    assert ids(word_home, index, "usa", *USA) == ["short", "long"]
    found = ids(word_home, index, "United States of America", *USA)
    assert set(found) == {"short", "long", "apart", "part"}
    assert found[-1] == "part"
    assert set(ids(word_home, index, "united america", *USA)) == {"long", "apart", "part"}


def test_the_longest_expression_counts_and_none_within_it(word_home: WordHome) -> None:
    rules = parse_synonym_lines("new york, big apple\nnew, fresh\nyork => ebor")
    analyzer = Analyzer(Analysis())
    expansions = Synonyms(rules).expansions(analyzer)
    spans = expansions.find([one.term for one in analyzer.words("new new york york")])
    assert [(one.start, one.stop) for one in spans] == [(0, 1), (1, 3), (3, 4)]
    index = word_home.index(worded("a", "fresh"), worded("b", "a big apple"))
    assert ids(word_home, index, "new york", *rules) == ["b"]


def test_phrases_and_words_with_a_sign_are_taken_as_they_are(word_home: WordHome) -> None:
    index = word_home.index(worded("s", "a red sofa"), worded("c", "a red couch"))
    for query in ("+sofa", '"sofa"', '"red sofa"', "red +sofa"):
        assert ids(word_home, index, query, SOFAS) == ["s"]
    assert ids(word_home, index, "red -sofa", SOFAS) == ["c"]
    united = 'united "x" states of america'
    assert (
        ids(word_home, index, united, *parse_synonym_lines("united states of america, red")) == []
    )


def test_a_synonym_stays_in_the_field_of_its_word(word_home: WordHome) -> None:
    index = word_home.index(worded("a", "couch", title="sofa"), worded("b", "sofa", title="couch"))
    assert ids(word_home, index, "title:settee", SOFAS) == ["a", "b"]
    assert ids(word_home, index, "title:sofa", SynonymRule(("sofa",), ("divan",))) == ["a"]


def test_a_synonym_scores_no_more_than_the_word_itself(word_home: WordHome) -> None:
    common = [worded(f"x{n}", "sofa of leather") for n in range(9)]
    index = word_home.index(*common, worded("rare", "couch of leather"))
    found = scores(index, "sofa", SOFAS)
    assert len(found) == 10
    assert found[9] == pytest.approx(planning.SYNONYM_WEIGHT * found[0])
    assert scores(index, "couch")[9] > found[0]


def test_a_document_with_all_synonyms_counts_the_best_of_them(word_home: WordHome) -> None:
    index = word_home.index(worded("one", "sofa bed bed"), worded("all", "sofa couch settee"))
    one, every = scores(index, "sofa", SOFAS).values()
    assert one == pytest.approx(every)


def test_a_word_with_synonyms_is_no_typing_error(word_home: WordHome) -> None:
    index = word_home.index(worded("a", "television"), worded("b", "a settle"))
    rules = parse_synonym_lines("settlee, television")
    assert index.plan("settlee", synonyms=Synonyms(rules)).misspelt == ()
    assert ids(word_home, index, "settlee", *rules) == ["a"]
    assert ids(word_home, index, "settlee") == ["b"]


def test_synonyms_are_analysed_as_the_index_is(word_home: WordHome) -> None:
    german = Analysis(language="german", weights={"brand": 1.0})
    index = word_home.index(worded("a", "schöne Häuser", brand="Bude"), analysis=german)
    rules = Synonyms(parse_synonym_lines("Gebäude, Haus"))
    assert len(index.search(index.plan("Gebäuden", synonyms=rules), k=9)) == 1
    (before,) = rules._made
    assert rules.expansions(Analyzer(german)) is before[1]
    assert rules.expansions(Analyzer(Analysis())) is not before[1]
    bude = Synonyms(parse_synonym_lines("Hütte, Bude"))
    assert len(index.search(index.plan("brand:hütten", synonyms=bude), k=9)) == 1


def test_few_synonyms_of_many_are_looked_for(
    word_home: WordHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = word_home.index(*(worded(f"d{n}", f"word{n}") for n in range(9)))
    rules = parse_synonym_lines("a => " + ",".join(f"word{n}" for n in range(9)))
    assert len(ids(word_home, index, "a a1 a", *rules)) == 0  # a stop word
    rules = parse_synonym_lines("b => " + ",".join(f"word{n}" for n in range(9)))
    assert len(ids(word_home, index, "b", *rules)) == 9
    monkeypatch.setattr(planning, "MOST_OTHERS", 4)
    assert len(ids(word_home, index, "b", *rules)) == 4


def test_what_was_deleted_lifts_the_ceiling_as_it_lifts_scores(word_home: WordHome) -> None:
    documents = [worded(f"d{n}", "other words" if n else "sofa") for n in range(60)]
    word_home.index(*documents)
    for number in range(1, 58):
        word_home.delete(f"d{number}")
    index = word_home.index(worded("new", "sofa " * 200))
    plan = index.plan("sofa")
    hits = index.search(plan, k=9)
    assert hits.scores.max() <= plan.ceiling
    assert hits.scores.max() > 0.5 * plan.ceiling


WORDS = ("red", "sofa", "couch", "settee", "usa", "united", "states", "沙发", "椅子", "дом")
SENTENCE = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
EXPRESSION = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
SIDE = st.lists(EXPRESSION, min_size=1, max_size=4).map(tuple)
PIECES = st.lists(st.sampled_from([*SCRIPTS, *WORDS]), max_size=200).map("".join)
RULES = st.lists(st.builds(SynonymRule, SIDE, SIDE), max_size=6)


@pytest.fixture
def furniture(word_home: WordHome) -> LexicalIndex:
    analysis = Analysis(weights={"title": 2.0, "brand": 0.5})
    documents = [
        worded(f"d{n}", f"{WORDS[int(n**0.5)]} " * 60, title=WORDS[n % 5], brand=WORDS[n % 3])
        for n in range(60)
    ]
    return word_home.index(*documents, analysis=analysis)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SENTENCE, RULES)
def test_no_document_scores_more_than_the_ceiling_whatever_is_synonymous(
    furniture: LexicalIndex, query: str, rules: list[SynonymRule]
) -> None:
    said = Synonyms(tuple(rules))
    plan = furniture.plan(query, synonyms=said)
    assert plan.ceiling == furniture.plan(query).ceiling
    hits = furniture.search(plan, k=100)
    assert len(hits) >= len(furniture.search(furniture.plan(query), k=100))
    assert not len(hits) or hits.scores.max() <= plan.ceiling * (1 + 1e-6)


def test_a_single_word_nearly_reaches_the_ceiling_and_no_synonym_of_it_exceeds_that(
    word_home: WordHome,
) -> None:
    """Each word of a field that has nothing else is rarer than the next one."""
    repeated = [worded(f"d{n}", f"{WORDS[int(n**0.5)]} " * 60) for n in range(60)]
    index = word_home.index(*repeated)
    asked = WORDS[1:7]  # of one token each
    for word in asked:
        plan = index.plan(word)
        assert 0.95 * plan.ceiling < index.search(plan, k=1).scores[0] <= plan.ceiling
    for word, other in itertools.permutations(asked, 2):
        rule = SynonymRule((word,), (other, f"{other} {other}"))
        plan = index.plan(word, synonyms=Synonyms((rule,)))
        assert plan.ceiling == index.plan(word).ceiling
        assert index.search(plan, k=1).scores[0] <= plan.ceiling


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PIECES, st.text(max_size=40))
def test_no_query_fails_whatever_its_script_and_that_of_synonyms(
    furniture: LexicalIndex, query: str, other: str
) -> None:
    rules = [SynonymRule((one,), (other, *WORDS)) for one in (*query.split()[:20], other)]
    furniture.search(furniture.plan(query, synonyms=Synonyms(tuple(rules))), k=3)


@pytest.mark.parametrize("piece", ["+", '"', "sofa ", "united states ", "沙发", "-", "a:b ", "=> "])
def test_queries_of_8192_characters_do_not_fail(furniture: LexicalIndex, piece: str) -> None:
    query = (piece * 8192)[:8192]
    rules = Synonyms((SOFAS, *parse_synonym_lines("united states, usa\n沙发, sofa")))
    furniture.search(furniture.plan(query, synonyms=rules), k=3)
