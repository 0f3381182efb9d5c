import numpy as np
import pytest

from molt.encoder.encoder import InputType
from molt.encoder.late_interaction.token_cache import TokenCache, token_key
from molt.encoder.late_interaction.token_codes import TokenCodes

QUERY, DOCUMENT = InputType.QUERY, InputType.DOCUMENT


def codes(n_tokens: int) -> TokenCodes:
    rows, scales = np.zeros((n_tokens, 100), np.int8), np.ones(n_tokens, np.float32)
    ids = np.zeros(n_tokens - 1, np.int32)
    return TokenCodes(rows, scales, ids, ids, n_tokens=n_tokens, truncated=False)


def test_what_was_put_is_found_again() -> None:
    cache, one = TokenCache(100_000), codes(3)
    cache.put(b"a", one)
    assert cache.get(b"a") is one
    assert cache.get(b"b") is None


def test_no_more_bytes_are_kept_than_may_be_and_the_longest_unused_goes_first() -> None:
    cache, one = TokenCache(10_000), codes(20)
    for name in (b"a", b"b", b"c"):
        cache.put(name, one)
    assert cache.get(b"a") is one
    cache.put(b"d", one)
    kept = [name for name in (b"a", b"b", b"c", b"d") if cache.get(name)]
    assert kept == [b"a", b"c", b"d"]
    assert 3 * one.size < cache.size <= 10_000


@pytest.mark.parametrize("capacity", [0, 1000])
def test_what_is_larger_than_the_cache_is_not_kept(capacity: int) -> None:
    cache = TokenCache(capacity)
    cache.put(b"a", codes(50))
    assert (cache.get(b"a"), cache.size) == (None, 0)


def test_a_key_tells_checkpoints_texts_and_their_use_apart() -> None:
    keys = {
        token_key(checkpoint, text, input_type)
        for checkpoint in ("0" * 16, "1" * 16)
        for text in ("a tent", "a Tent", "\ud800")
        for input_type in (QUERY, DOCUMENT)
    }
    assert len(keys) == 12
