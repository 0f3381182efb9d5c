import traceback
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as FastTokenizer
from tokenizers import models, pre_tokenizers

from molt.encoder import UnsafeCheckpointError
from molt.encoder import tokenizer as module
from molt.encoder.errors import UnreadableTextError
from molt.encoder.tokenizer import Tokenizer
from tests.checkpoints import REAL_MODEL
from tests.panics import PANICKING, PanicException, make_panicking

PATH = REAL_MODEL / "tokenizer.json"
TOKENIZER = Tokenizer(PATH, max_length=256)
SHORT = Tokenizer(PATH, max_length=8)
CLS, SEP = 101, 102
HIDDEN = "confidential"


@cache
def oracle(max_length: int) -> FastTokenizer:
    fast = FastTokenizer.from_file(str(PATH))
    fast.no_padding()
    fast.enable_truncation(max_length)
    return fast


def whole(text: str, *, max_length: int) -> list[int]:
    """All of the text is read, and what is too much cut off afterwards."""
    return list(oracle(max_length).encode(text).ids)


def ids(text: str, tokenizer: Tokenizer = TOKENIZER) -> list[int]:
    (found,) = tokenizer.encode([text])
    return [int(token) for token in found]


def test_an_empty_text_has_its_two_special_tokens() -> None:
    assert ids("") == ids(" \n\t") == [CLS, SEP]


def test_a_text_is_cut_to_the_limit_special_tokens_included() -> None:
    found = ids("word " * 1000)
    assert len(found) == 256
    assert (found[0], found[-1]) == (CLS, SEP)
    assert len(set(found[1:-1])) == 1


def test_a_text_of_exactly_the_limit_is_not_cut() -> None:
    assert ids("a b c d e f", SHORT) == whole("a b c d e f", max_length=100)
    assert ids("a b c d e f g", SHORT) == ids("a b c d e f", SHORT)


def test_texts_are_never_padded_and_keep_their_order() -> None:
    texts = [f"{'long ' * (at % 7)}text {at}" for at in range(150)]
    assert [found.tolist() for found in TOKENIZER.encode(texts)] == [ids(text) for text in texts]
    assert TOKENIZER.encode([]) == []


class Spy:
    """Notes how many characters the tokenizer proper was given."""

    def __init__(self, fast: FastTokenizer) -> None:
        self.fast = fast
        self.read = 0

    def encode_batch_fast(self, texts: list[str]) -> object:
        self.read += sum(map(len, texts))
        return self.fast.encode_batch_fast(texts)

    def encode(self, text: str) -> object:
        self.read += len(text)
        return self.fast.encode(text)


def test_a_megabyte_has_the_tokens_of_its_beginning_and_only_that_is_read() -> None:
    tokenizer = Tokenizer(PATH, max_length=256)
    spy = Spy(tokenizer._fast)
    tokenizer._fast = spy  # type: ignore[assignment]
    words = "Internationalisation, naïve search: 搜索 and 🦊 foxes. " * 25_000
    assert len(words.encode()) > 1_000_000
    assert ids(words, tokenizer) == whole(words[:20_000], max_length=256)
    assert spy.read < 20_000


@pytest.mark.parametrize("text", ["x" * 200_000, " " * 200_000 + "end", "a\u0301" * 50_000])
def test_a_huge_text_whose_beginning_settles_nothing_is_read_on(text: str) -> None:
    assert ids(text) == whole(text, max_length=256)


PIECES = st.sampled_from(
    ["word", "[SEP]", "[CLS]", "[MASK]", "[", "]", " ", "\n", "é", "e\u0301", "ß", "İ", "搜", "🦊",
     "🦊\u200d🦊", "x" * 40, "x" * 101, " " * 60, "-", "don't", "\x00", "\ufeff", "\u200b", "한국"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map("".join))
def test_cutting_before_reading_changes_no_token(text: str) -> None:
    assert ids(text, SHORT) == whole(text, max_length=8)


def test_an_emoji_is_read_and_takes_nothing_from_its_neighbours() -> None:
    assert ids("fox 🦊 den") == whole("fox 🦊 den", max_length=256)
    assert [token for token in ids("fox 🦊 den") if token not in ids("🦊")] == ids("fox den")[1:-1]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("fox \ud800 den", "fox \ufffd den"),
        ("fox \udfff", "fox \ufffd"),
        ("\ud800", "\ufffd"),
        ("\udc00\ud800x", "\ufffd\ufffdx"),
        ("\ud83e\udd8a", "🦊"),
        ("\ufeffé", "\ufeffé"),
    ],
)
def test_a_lone_surrogate_is_read_as_the_replacement_character(text: str, meant: str) -> None:
    assert ids(text) == ids(meant)


def test_equal_texts_have_equal_tokens_whatever_comes_with_them() -> None:
    alone = ids("naïve fox")
    together = TOKENIZER.encode(["word " * 9999, "naïve fox", "", "\ud800"])
    assert together[1].tolist() == alone


def test_the_vocabulary_counts_every_token_id() -> None:
    assert TOKENIZER.vocabulary == 30_522


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(UnsafeCheckpointError, match="is no tokenizer") as raised:
        Tokenizer(path, max_length=8)
    assert raised.value.path == path


@given(st.text(max_size=60, alphabet=st.characters(exclude_categories=())))
def test_what_is_read_with_places_has_the_same_tokens(text: str) -> None:
    (read,) = SHORT.read([text])
    assert read.ids.tolist() == ids(text, SHORT)
    assert read.offsets.shape == (len(read.ids), 2)
    assert (read.offsets[:, 0] <= read.offsets[:, 1]).all()
    assert read.offsets.max() <= len(text)


def test_places_are_those_of_the_words_in_the_text_as_it_was_given() -> None:
    pair = "\ud83e\udd8a"  # a fox that came as two surrogates
    text = f"\ud800 Na\u00efve {pair}{pair} boots, \udc00red"
    (read,) = TOKENIZER.read([text])
    words = [text[start:end] for start, end in read.offsets]
    assert words == ["", "Na\u00efve", pair * 2, "boots", ",", "red", ""]


def test_the_places_in_a_megabyte_are_those_in_its_beginning() -> None:
    text = "Internationalisation, na\u00efve search: \u641c\u7d22 foxes. " * 25_000
    long, head = TOKENIZER.read([text, text[:10_000]])
    assert long.offsets.tolist() == head.offsets.tolist()
    assert text[slice(*long.offsets[1])] == "International"


def test_a_tokenizer_that_panics_is_an_error_that_does_not_quote_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUST_BACKTRACE", "0")  # one takes long
    path = tmp_path / "tokenizer.json"
    path.write_bytes(PATH.read_bytes())
    make_panicking(path)
    panicking = Tokenizer(path, max_length=256)
    for read in (panicking.encode, panicking.read):
        assert len(read(["harmless"])) == 1
        with pytest.raises(UnreadableTextError, match="panics") as caught:
            read(["harmless", f"{HIDDEN} {PANICKING}"])
        assert HIDDEN not in "".join(traceback.format_exception(caught.value))


def test_a_tokenizer_that_panics_while_it_is_opened_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def panic(path: str) -> FastTokenizer:
        raise PanicException(path)

    monkeypatch.setattr(module, "FastTokenizer", SimpleNamespace(from_file=panic))
    with pytest.raises(UnsafeCheckpointError, match="is no tokenizer"):
        Tokenizer(PATH, max_length=256)


def test_a_tokenizer_that_fails_is_an_error_that_does_not_quote_the_text(tmp_path: Path) -> None:
    few = FastTokenizer(models.WordLevel({"warm": 0, "up": 1}, unk_token="unknown"))
    few.pre_tokenizer = pre_tokenizers.Whitespace()
    few.save(str(tmp_path / "tokenizer.json"))
    tokenizer = Tokenizer(tmp_path / "tokenizer.json", max_length=8)
    assert ids("warm up", tokenizer) == [0, 1]
    with pytest.raises(UnreadableTextError) as caught:
        tokenizer.encode([HIDDEN])
    assert HIDDEN not in str(caught.value)


def test_a_scan_tells_whether_there_was_more() -> None:
    exact = "fox " * 6
    found = SHORT.scan([exact, exact + "fox", "fox", "  " * 5_000, "fox " * 100_000])
    assert [each.truncated for each in found] == [False, True, False, False, True]
    assert [len(each.ids) for each in found] == [8, 8, 3, 2, 8]
    assert [each.truncated for each in SHORT.read([exact, exact + "fox"])] == [False, True]


@given(st.text(max_size=200))
def test_split_finds_every_token_where_it_stands(text: str) -> None:
    tokens = SHORT.split(text)
    (whole,) = TOKENIZER.read([text])
    assert [token.id for token in tokens] == whole.ids.tolist()
    assert [(token.start, token.stop) for token in tokens] == [*map(tuple, whole.offsets.tolist())]
    assert [token.special for token in tokens] == [True, *([False] * (len(tokens) - 2)), True]


def test_tokens_make_their_text_again() -> None:
    ids = [token.id for token in SHORT.split("the quick brown fox jumps over the lazy dog")]
    assert SHORT.decode(ids, skip_special=True) == "the quick brown fox jumps over the lazy dog"
    assert SHORT.decode(ids, skip_special=False).startswith("[CLS] the")
    assert SHORT.decode([2**31, 2**32 - 1], skip_special=True) == ""


@pytest.mark.parametrize(
    "text", ["", " one two", "naïve 日本 \ud83d\ude00 x", "word " * 9000, "x" * 50_001]
)
def test_every_token_begins_where_split_has_it(text: str) -> None:
    expected = [token.start for token in SHORT.split(text) if not token.special]
    found = SHORT.starts(text).tolist()
    if len(text) < 20_000:
        assert found == expected
    assert found == sorted(found)
    assert abs(len(found) - len(expected)) <= len(text) // 20_000


def test_the_vocabulary_is_read_once_for_its_last_id(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def vocabulary() -> dict[str, int]:
        read.append(1)
        return {"boots": 3, "hat": 7}

    tokenizer = Tokenizer(PATH, max_length=8)
    monkeypatch.setattr(tokenizer, "_fast", SimpleNamespace(get_vocab=vocabulary))
    assert [tokenizer.last_id, tokenizer.last_id] == [7, 7]
    assert read == [1]
