"""Finding rows by the hash of their text."""

import numpy as np

from molt.index.segments.hashes import index_hashes


def hashes(*halves):
    return np.array([left * 8 + right * 8 for left, right in halves], dtype="V16")


def test_each_hash_finds_its_row_and_an_unknown_one_none():
    index = index_hashes(hashes((b"b", b"x"), (b"a", b"x"), (b"\xff", b"\xff")))
    wanted = hashes((b"a", b"x"), (b"\xff", b"\xff"), (b"c", b"x"), (b"b", b"x"))
    assert index.find(wanted).tolist() == [1, 2, -1, 0]


def test_a_hash_that_agrees_in_one_half_only_is_another():
    index = index_hashes(hashes((b"a", b"x")))
    assert index.find(hashes((b"a", b"y"), (b"b", b"x"))).tolist() == [-1, -1]
