"""Searching by words: the same documents are visible as by vectors, whatever was written."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.engine.engine import Engine
from molt.engine.search import lexical as lexical_module
from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.errors import UnknownFieldError
from molt.index.segments.filters.filter import parse_filter
from tests.app.serving import open_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path))
    assert engine.indexer.acquire()
    engine.catalog.collections.create("shop")
    yield engine
    engine.close()


def shop(engine: Engine, name: str = "shop") -> Collection:
    return engine.catalog.collections.get(name)


def put(engine: Engine, *documents: Document, name: str = "shop") -> None:
    engine.catalog.documents.upsert(shop(engine, name), documents)
    engine.live_collections.follow(name)


def index(engine: Engine, name: str = "shop") -> None:
    while engine.indexer.seal(only=name) or engine.indexer.index_words(only=name):
        continue
    engine.live_collections.refresh(name)


def ask(engine: Engine, text: str, **more: object) -> SearchAnswer:
    query = SearchQuery(text, "shop", mode="lexical")
    return engine.search(replace(query, **more))


def ids(answer: SearchAnswer) -> list[str]:
    return [hit.id for hit in answer.page.hits]


def priced(number: int, text: str = "boots of leather") -> Document:
    return Document(f"d{number:03}", text, metadata={"price": number})


def test_documents_are_found_by_their_words(engine: Engine) -> None:
    put(engine, Document("a", "warm boots"), Document("b", "a tent"))
    index(engine)
    answer = ask(engine, "boot")
    assert ids(answer) == ["a"]
    assert (answer.mode, answer.left_out, answer.warnings) == ("lexical", (), ())
    assert answer.page.hits[0].scores == {"lexical": answer.page.hits[0].score}
    assert set(answer.seconds) == {"lexical", "fuse", "hydrate"}


def test_nothing_is_encoded(engine: Engine) -> None:
    put(engine, Document("a", "warm boots"))
    index(engine)
    assert ask(engine, "boots").encode_seconds == 0.0


def test_words_are_there_as_soon_as_vectors_are(engine: Engine) -> None:
    for number in range(5):
        put(engine, priced(number))
        assert engine.indexer.seal()
        live = engine.live_collections.refresh("shop")
        assert live.leg.index is not None
        assert len(ids(ask(engine, "boots"))) == number + 1


def test_a_deleted_document_is_gone_at_once(engine: Engine) -> None:
    put(engine, priced(1), priced(2))
    index(engine)
    engine.catalog.documents.delete(shop(engine), "d001")
    engine.live_collections.follow("shop")
    assert ids(ask(engine, "boots")) == ["d002"]
    assert ask(engine, "boots").page.total == 1


def test_words_run_ahead_of_vectors_and_are_not_shown_before_them(engine: Engine) -> None:
    put(engine, priced(1))
    index(engine)
    put(engine, priced(2))
    assert engine.indexer.index_words()
    assert ids(ask(engine, "boots")) == ["d001"]
    assert engine.indexer.seal()
    assert ids(ask(engine, "boots")) == ["d001", "d002"]


@pytest.mark.parametrize("limit", [3, 60, 97, 150])
def test_a_filter_costs_no_hit(engine: Engine, limit: int) -> None:
    put(engine, *(priced(number, f"boots {'and ' * (number % 7)}shoes") for number in range(150)))
    index(engine)
    where = parse_filter({"field": "price", "lt": limit})
    answer = ask(engine, "boots", where=where, k=150)
    assert (len(ids(answer)), answer.page.total, answer.page.exact_total) == (limit, limit, True)
    ten = ask(engine, "boots", where=where, k=10)
    assert ids(ten) == ids(answer)[:10]


def test_a_filter_that_keeps_little_of_what_matches_finds_it_all(engine: Engine) -> None:
    others = (Document(f"x{n:03}", "boots boots boots", metadata={"price": 1}) for n in range(400))
    put(engine, *others, *(priced(number + 500, "one boots of many words") for number in range(5)))
    index(engine)
    where = parse_filter({"field": "price", "gte": 500})
    assert len(ids(ask(engine, "boots", where=where, k=5))) == 5


def test_a_field_that_no_document_has_is_refused(engine: Engine) -> None:
    put(engine, priced(1))
    index(engine)
    where = parse_filter({"field": "colour", "eq": "red"})
    with pytest.raises(UnknownFieldError, match="colour"):
        ask(engine, "boots", where=where)


def test_the_pages_of_a_ranking_join_up_though_all_scores_are_one(engine: Engine) -> None:
    put(engine, *(priced(number) for number in range(100)))
    index(engine)
    whole = ids(ask(engine, "boots", k=100))
    assert whole == sorted(whole)
    pages = [ids(ask(engine, "boots", k=7, offset=start)) for start in range(0, 100, 7)]
    assert [doc_id for page in pages for doc_id in page] == whole


def test_a_least_score_cuts_the_ranking_and_the_total(engine: Engine) -> None:
    put(engine, *(priced(n, "boots" if n % 2 else "boots " + "long " * 50) for n in range(40)))
    index(engine)
    best = ask(engine, "boots", k=40).page.hits[0].score
    answer = ask(engine, "boots", k=5, min_score=best - 1e-4)
    assert (answer.page.total, len(ids(answer))) == (20, 5)
    assert ask(engine, "boots", min_score=best + 1).page.total == 0


def test_the_total_counts_all_and_is_a_lower_bound_beside_hidden_rows(engine: Engine) -> None:
    put(engine, *(priced(number) for number in range(100)))
    index(engine)
    answer = ask(engine, "boots", k=1)
    engine.catalog.documents.delete(shop(engine), "d000")
    engine.live_collections.follow("shop")
    assert ask(engine, "boots", k=100).page.total == 99
    assert answer.page.total == 100


def test_expired_documents_are_not_found(engine: Engine) -> None:
    engine.catalog.collections.create("news", expiry_field="until")
    gone = Document("old", "boots", metadata={"until": "2001-01-01"})
    put(engine, gone, Document("new", "boots"), name="news")
    index(engine, "news")
    assert ids(ask(engine, "boots", collection="news")) == ["new"]


def test_the_end_of_a_query_of_very_many_words_is_not_read(engine: Engine) -> None:
    put(engine, priced(1))
    index(engine)
    assert ask(engine, " ".join(f"boots{n}" for n in range(2_000))).truncated


def test_what_documents_are_like_is_found_by_vectors(engine: Engine) -> None:
    put(engine, priced(1), priced(2))
    index(engine)
    answer = ask(engine, "", like=("d001",))
    assert (ids(answer), answer.left_out) == (["d002"], ("lexical",))


def test_an_empty_collection_has_no_hits(engine: Engine) -> None:
    answer = ask(engine, "boots")
    assert (ids(answer), answer.left_out) == ([], ())


def without_words(engine: Engine) -> None:
    """As in a home of a version that indexed no words."""
    engine.indexer._lexical.close()
    engine.lexical.remove(shop(engine).id)
    engine.live_collections.follow("shop")


def test_where_there_is_no_index_yet_vectors_answer_and_the_answer_tells(engine: Engine) -> None:
    put(engine, priced(1), priced(2))
    index(engine)
    without_words(engine)
    answer = ask(engine, "boots")
    assert (len(ids(answer)), answer.mode, answer.left_out) == (2, "lexical", ("lexical",))
    assert answer.warnings == ("the lexical index was left out: it is being made",)
    assert set(answer.page.hits[0].scores) == {"dense"}
    assert engine.indexer.index_words()
    assert ask(engine, "boots").left_out == ()


def test_sealing_does_not_wait_for_an_index_that_is_being_made(engine: Engine) -> None:
    put(engine, *(priced(number) for number in range(5)))
    index(engine)
    without_words(engine)
    put(engine, priced(7))
    assert engine.indexer.seal()
    assert engine.lexical.read(shop(engine).id) is None
    assert ask(engine, "boots").left_out == ("lexical",)
    index(engine)
    assert len(ids(ask(engine, "boots"))) == 6


def damage(engine: Engine) -> None:
    commit = engine.lexical.read(shop(engine).id)
    assert commit is not None
    name = next(name for name in sorted(commit.files) if name.endswith(".idx"))
    path = engine.lexical.commit_path(commit) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def test_a_damaged_index_is_told_and_made_anew(engine: Engine, tmp_path: Path) -> None:
    put(engine, priced(1), priced(2))
    index(engine)
    engine.indexer._lexical.close()
    damage(engine)
    engine.close()
    again = open_engine(load_settings(home=tmp_path))
    assert again.indexer.acquire()
    assert ids(ask(again, "boots")) == ["d001", "d002"]
    assert ask(again, "boots").left_out == ("lexical",)
    (problem,) = again.readiness().problems
    assert problem.startswith("collection 'shop' is searched without its words: ")
    assert "SHA-256 differs" in problem
    index(again)
    assert ask(again, "boots").left_out == ()
    assert again.readiness().problems == ()
    again.close()


def test_the_index_of_a_collection_goes_with_it(engine: Engine) -> None:
    put(engine, priced(1))
    index(engine)
    number = shop(engine).id
    assert engine.lexical.collections() == [number]
    engine.catalog.collections.delete("shop")
    engine.indexer.seal()
    assert engine.lexical.collections() == []


def test_a_query_of_very_many_ties_is_bounded(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical_module, "_MOST_TIED", 20)
    put(engine, *(priced(number) for number in range(200)))
    index(engine)
    answer = ask(engine, "boots", k=5)
    assert len(ids(answer)) == 5


def test_a_restart_gives_the_same_answers(engine: Engine, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = ["boots", "tent", "lamp", "warm", "red", "snow"]
    put(engine, *(priced(n, " ".join(rng.choice(words, 6))) for n in range(60)))
    index(engine)
    before = [(hit.id, hit.score) for hit in ask(engine, "warm red boots", k=60).page.hits]
    engine.close()
    again = open_engine(load_settings(home=tmp_path))
    hits = ask(again, "warm red boots", k=60).page.hits
    assert [(hit.id, hit.score) for hit in hits] == before
    again.close()


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 5), st.integers(0, 4)),
        st.tuples(st.just("delete"), st.integers(0, 5)),
        st.tuples(st.sampled_from(["seal", "words", "merge", "close", "follow"])),
    ),
    max_size=25,
)
TEXTS = [f"word{number}x" for number in range(5)]


class Oracle:
    """What is in a collection, and what is done to it."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.name = engine, name
        self.texts: dict[str, str] = {}

    def do(self, kind: str, *rest: int) -> None:
        engine, name = self.engine, self.name
        if kind == "put":
            doc_id, self.texts[doc_id] = f"d{rest[0]}", TEXTS[rest[1]]
            put(engine, Document(doc_id, TEXTS[rest[1]]), name=name)
        elif kind == "delete" and self.texts.pop(f"d{rest[0]}", None):
            engine.catalog.documents.delete(shop(engine, name), f"d{rest[0]}")
            engine.live_collections.follow(name)
        else:
            self._work(kind)
        engine.live_collections.refresh(name)

    def _work(self, kind: str) -> None:
        indexer, name = self.engine.indexer, self.name
        works = {
            "seal": lambda: indexer.seal(only=name),
            "words": lambda: indexer.index_words(only=name),
            "merge": lambda: indexer.merge(only=name),
            "close": indexer._lexical.close,
            "follow": lambda: self.engine.live_collections.follow(name),
        }
        works.get(kind, lambda: None)()

    def visible(self, mode: str) -> set[str]:
        """The ids that all texts together find."""
        query = SearchQuery(" ".join(TEXTS), self.name, k=50, mode=mode)
        answer = self.engine.search(query)
        return set(ids(answer))

    def agrees(self) -> None:
        """Both legs show the same, of what the catalog holds and nothing else."""
        assert self.visible("lexical") == self.visible("dense") <= self.texts.keys()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
def test_words_and_vectors_never_disagree_on_what_is_visible(
    engine: Engine, operations: list[tuple]
) -> None:
    name = f"c{len(engine.catalog.collections.list())}"
    engine.catalog.collections.create(name)
    oracle = Oracle(engine, name)
    for operation in operations:
        oracle.do(*operation)
        oracle.agrees()
    index(engine, name)
    oracle.agrees()
    for text in TEXTS:
        answer = engine.search(SearchQuery(text, name, k=50, mode="lexical"))
        assert set(ids(answer)) == {one for one, said in oracle.texts.items() if said == text}
