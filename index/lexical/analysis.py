"""Analysis: how the texts of a collection, and what is searched for in them, become terms.

Decided once for each collection and kept with its index: terms that were made otherwise are not
found. What tantivy's tokenizer would tear apart or leave in one piece is prepared for it: accents
that stand alone are joined with their letters, and writing without spaces is cut into pairs of
characters, as Lucene's CJK analyzer does.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from molt.index.catalog.fields import check_field_name, check_text
from molt.index.errors import InvalidFieldError
from molt.index.ranking.field_weights import parse_field_weights

Language = Literal[
    "arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hungarian",
    "italian", "norwegian", "portuguese", "romanian", "russian", "spanish", "swedish", "tamil",
    "turkish",
]  # fmt: skip
"""Those that Snowball has a stemmer for."""

WITH_STOP_WORDS = frozenset(get_args(Language)) - {
    "arabic", "greek", "romanian", "tamil", "turkish",
}  # fmt: skip
"""Those that a list of stop words comes with."""

NO_LANGUAGE = "none"
LONGEST_TERM = 255
"""A longer word is none that anybody types: it is not indexed. In bytes of UTF-8."""
TITLE = "title"
MOST_WORDS = 100_000
_MOST_KNOWN = 50_000
_UNKNOWN = "\0"
"""No term, since no word has it."""
UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Thai, Lao, Burmese, Khmer, kana and Chinese characters: no space tells where a word ends."""


@dataclass(frozen=True)
class Analysis:
    """What terms a text becomes: lower case, folded, without stop words, stemmed.

    `language` None means no stemming. `stop_words` None means those of the language. `compounds`
    are words that longer ones are made of, as in German: what consists of them is split. `weights`
    are of fields that count beside the text, `title` or dotted paths of metadata.
    """

    language: Language | None = "english"
    stop_words: tuple[str, ...] | None = None
    fold: bool = True
    compounds: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """It as JSON, of which `parse_analysis` makes an equal one."""
        said = {"language": self.language or NO_LANGUAGE, "weights": dict(self.weights)}
        return asdict(self) | said


DEFAULT_ANALYSIS = Analysis()


def parse_analysis(value: Mapping[str, Any]) -> Analysis:
    """The analysis that a JSON object means; what it leaves out is as in the default.

    Raises `InvalidFieldError`, which names the part that is wrong.
    """
    unknown = value.keys() - DEFAULT_ANALYSIS.describe().keys()
    if unknown:
        raise InvalidFieldError(f"analysis.{min(unknown)}", "is nothing that can be set")
    language = value.get("language", DEFAULT_ANALYSIS.language)
    language = None if language == NO_LANGUAGE else language
    if language is not None and language not in get_args(Language):
        known = ", ".join(get_args(Language))
        raise InvalidFieldError("analysis.language", f"must be {NO_LANGUAGE} or one of {known}")
    fold = value.get("fold", True)
    if not isinstance(fold, bool):
        raise InvalidFieldError("analysis.fold", "must be true or false")
    stop_words = value.get("stop_words")
    return Analysis(
        language,
        None if stop_words is None else _words(stop_words, name="analysis.stop_words"),
        fold,
        _words(value.get("compounds", ()), name="analysis.compounds"),
        _weights(value.get("weights", {})),
    )


@lru_cache(maxsize=256)
def read_analysis(kept: str | None) -> Analysis:
    """The analysis that the catalog keeps of a collection, the default one of None."""
    return DEFAULT_ANALYSIS if kept is None else parse_analysis(json.loads(kept))


def write_analysis(analysis: Analysis) -> str | None:
    """As the catalog keeps it: JSON, from which `read_analysis` makes an equal one."""
    if analysis == DEFAULT_ANALYSIS:
        return None
    return json.dumps(analysis.describe(), sort_keys=True, separators=(",", ":"))


def _words(value: object, *, name: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise InvalidFieldError(name, "must be a list of words")
    if len(value) > MOST_WORDS:
        raise InvalidFieldError(name, f"has {len(value):,} words; at most {MOST_WORDS:,} are kept")
    words = {check_text(word, field=name).strip().lower() for word in value} - {""}
    long = [word for word in words if len(word.encode()) > LONGEST_TERM]
    if long:
        reason = f"has a word of more than {LONGEST_TERM} bytes, which no text is compared with"
        raise InvalidFieldError(name, f"{reason}: {long[0][:40]!r}…")
    return tuple(sorted(words))


def _weights(value: object) -> dict[str, float]:
    name = "analysis.weights"
    found = parse_field_weights(value, name=name)
    return {check_field_name(path, field=name): weight for path, weight in found.items()}


@dataclass(frozen=True)
class Word:
    """A term, and its place among the words of its text."""

    term: str
    position: int


@dataclass(frozen=True)
class Analyzer:
    """Makes terms as `analysis` says."""

    analysis: Analysis

    @cached_property
    def tantivy(self) -> TextAnalyzer:
        """The same for tantivy, which is given prepared texts (`prepared_text`)."""
        language = self.analysis.language
        stemmer = [] if language is None else [Filter.stemmer(language)]
        return _built([*_filters(self.analysis), *stemmer])

    def words(self, text: str) -> list[Word]:
        """The terms of a text in their order."""
        return _tokenized(self.tantivy, text)

    def spelt(self, text: str) -> list[Word]:
        """The same words as they are before they are stemmed."""
        return _tokenized(self._unstemmed, text)

    def term(self, word: str) -> str | None:
        """The term of one word of a text without compounds; None where it is a stop word."""
        known = self._terms.get(word, _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        if len(word) > LONGEST_TERM:
            return None
        if len(self._terms) >= _MOST_KNOWN:
            self._terms.clear()
        found = next((one.term for one in self.words(word)), None)
        self._terms[word] = found
        return found

    @cached_property
    def _terms(self) -> dict[str, str | None]:
        """Terms by words: texts have the same few thousand again and again."""
        return {}

    @cached_property
    def _unstemmed(self) -> TextAnalyzer:
        return _built(_filters(self.analysis))


def prepared_text(text: str) -> str:
    """The text as tantivy's tokenizer can cut it."""
    if text.isascii():
        return text
    return UNSPACED.sub(_paired, unicodedata.normalize("NFKC", text))


def _paired(run: re.Match[str]) -> str:
    found = run[0]
    pairs = [found[place : place + 2] for place in range(len(found) - 1)] or [found]
    return f" {' '.join(pairs)} "


def _built(filters: Sequence[Filter]) -> TextAnalyzer:
    builder = TextAnalyzerBuilder(Tokenizer.simple())
    for one in filters:
        builder = builder.filter(one)
    return builder.build()


def _tokenized(analyzer: TextAnalyzer, text: str) -> list[Word]:
    tokens = analyzer.pre_tokenize(prepared_text(text)).tokens
    return [Word(token.text, token.position) for token in tokens]


def _filters(analysis: Analysis) -> list[Filter]:
    """What is done to words before they are stemmed."""
    filters = [Filter.remove_long(LONGEST_TERM + 1), Filter.lowercase()]
    filters += _compound_filters(analysis.compounds)
    filters += _stop_filters(analysis)
    return filters + ([Filter.ascii_fold()] if analysis.fold else [])


def _stop_filters(analysis: Analysis) -> list[Filter]:
    if analysis.stop_words is not None:
        return [Filter.custom_stopword(list(analysis.stop_words))] if analysis.stop_words else []
    named = analysis.language in WITH_STOP_WORDS
    return [Filter.stopword(str(analysis.language))] if named else []


def _compound_filters(words: Sequence[str]) -> list[Filter]:
    return [Filter.split_compound(list(words))] if words else []
