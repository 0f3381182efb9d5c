import numpy as np

from molt.encoder import InputType
from molt.encoder.cache import CachedText, QueryCache


def entry(number: int) -> CachedText:
    return CachedText(np.full(2, number, dtype=np.float32), n_tokens=number)


def test_what_was_put_is_found_again() -> None:
    cache = QueryCache(2)
    kept = entry(1)
    cache.put("a", InputType.QUERY, kept)
    assert cache.get("a", InputType.QUERY) is kept
    assert cache.get("b", InputType.QUERY) is None


def test_one_text_as_query_and_as_document_are_two() -> None:
    cache = QueryCache(2)
    cache.put("a", InputType.QUERY, entry(1))
    assert cache.get("a", InputType.DOCUMENT) is None


def test_the_text_unused_for_longest_is_forgotten_first() -> None:
    cache = QueryCache(2)
    cache.put("a", InputType.QUERY, entry(1))
    cache.put("b", InputType.QUERY, entry(2))
    cache.get("a", InputType.QUERY)
    cache.put("c", InputType.QUERY, entry(3))
    known = [text for text in "abc" if cache.get(text, InputType.QUERY)]
    assert known == ["a", "c"]


def test_putting_a_known_text_again_forgets_no_other() -> None:
    cache = QueryCache(2)
    for text in "abab":
        cache.put(text, InputType.QUERY, entry(1))
    assert all(cache.get(text, InputType.QUERY) for text in "ab")


def test_texts_with_lone_surrogates_are_kept_apart() -> None:
    cache = QueryCache(2)
    cache.put("\ud800", InputType.QUERY, entry(1))
    assert cache.get("\ud801", InputType.QUERY) is None
    assert cache.get("\ud800", InputType.QUERY) is not None
