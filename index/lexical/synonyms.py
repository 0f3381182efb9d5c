"""Synonyms: which words of a query stand for others too, as people write that down.

A rule is a group of words each of which finds all of the others, or says that some find others, too
(`tv => television`). Either side may be several words in their order. Written as JSON, or as lines
of text in the format of Solr's synonym filter. What they score is `planning`'s.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from molt.index.catalog.fields import check_words
from molt.index.errors import InvalidFieldError
from molt.index.lexical.analysis import Analysis, Analyzer, Word

MOST_RULES = 10_000
MOST_ON_A_SIDE = 100
"""Expressions on either side of one rule."""
MOST_EXPRESSIONS = 50_000
"""In all rules together."""
MOST_EXPRESSION_CHARS = 200
_PIECE = re.compile(r"\\(?P<escaped>.)|(?P<arrow>=>)|(?P<comma>,)|(?P<plain>[^\\,=]+|.)", re.DOTALL)
_KEYS = {frozenset({"equivalent"}), frozenset({"from", "to"})}


@dataclass(frozen=True)
class SynonymRule:
    """A query with one of the `asked` expressions finds documents with one of `found`, too.

    They are the same where all are equivalent.
    """

    asked: tuple[str, ...]
    found: tuple[str, ...]

    @property
    def mutual(self) -> bool:
        """Does each of its expressions find all the others?"""
        return self.asked == self.found

    def describe(self) -> dict[str, Any]:
        """It as JSON."""
        if self.mutual:
            return {"equivalent": list(self.asked)}
        return {"from": list(self.asked), "to": list(self.found)}


@dataclass(frozen=True)
class Synonym:
    """What stands at `start` to `stop` among the terms of a query may as well be one of `others`,
    each of them words as they follow on each other.
    """

    start: int
    stop: int
    others: tuple[tuple[Word, ...], ...]


@dataclass(frozen=True)
class Expansions:
    """Rules as terms: for each sequence of them all that it stands for."""

    others: Mapping[tuple[str, ...], tuple[tuple[Word, ...], ...]]

    def find(self, terms: Sequence[str]) -> Iterator[Synonym]:
        """What has synonyms among the terms of a query, the first and there the longest first.

        None of them overlap.
        """
        at = 0
        while at < len(terms):
            found = self._at(terms, at)
            if found is not None:
                yield found
            at = at + 1 if found is None else found.stop

    def _at(self, terms: Sequence[str], start: int) -> Synonym | None:
        for length in self._lengths.get(terms[start], ()):
            others = self.others.get(tuple(terms[start : start + length]))
            if others and start + length <= len(terms):
                return Synonym(start, start + length, others)
        return None

    @cached_property
    def _lengths(self) -> Mapping[str, list[int]]:
        """By the term that a sequence begins with how many it may have, the most first."""
        found: defaultdict[str, set[int]] = defaultdict(set)
        for sequence in self.others:
            found[sequence[0]].add(len(sequence))
        return {term: sorted(lengths, reverse=True) for term, lengths in found.items()}


NO_EXPANSIONS = Expansions({})


@dataclass(frozen=True)
class Synonyms:
    """The rules of a collection. As terms they are made anew only when another analysis asks."""

    rules: tuple[SynonymRule, ...] = ()
    _made: list[tuple[Analysis, Expansions]] = field(
        default_factory=list, repr=False, compare=False
    )

    def expansions(self, analyzer: Analyzer) -> Expansions:
        """As terms of an index that is analysed so; what is stop words alone stands for nothing."""
        for analysis, made in list(self._made):
            if analysis == analyzer.analysis:
                return made
        made = _expanded(self.rules, analyzer)
        self._made[:] = [(analyzer.analysis, made)]
        return made


NO_SYNONYMS = Synonyms()


def parse_synonyms(value: object) -> tuple[SynonymRule, ...]:
    """Rules from a list of JSON objects: `{"equivalent": […]}` or `{"from": […], "to": […]}`.

    Raises `InvalidFieldError`, which names the rule.
    """
    if not isinstance(value, list):
        raise InvalidFieldError("synonyms", "must be a list of rules")
    return _bounded(_rule(one, f"synonyms.{place}") for place, one in enumerate(value))


def parse_synonym_lines(text: str) -> tuple[SynonymRule, ...]:
    r"""Rules from lines as Solr has them: `sofa, couch` or `tv, telly => television`.

    A line that begins with # is a remark; a backslash takes the meaning from what follows it.
    Raises `InvalidFieldError`, which names the line.
    """
    lines = enumerate(text.removeprefix("\ufeff").splitlines(), start=1)
    said = ((number, line.strip()) for number, line in lines)
    return _bounded(
        _line(line, f"line {number}") for number, line in said if line and not line.startswith("#")
    )


def write_synonyms(rules: Iterable[SynonymRule]) -> str | None:
    """Rules as the catalog keeps them, from which `read_synonyms` makes equal ones."""
    described = [rule.describe() for rule in rules]
    return json.dumps(described, separators=(",", ":")) if described else None


def read_synonyms(kept: str | None) -> tuple[SynonymRule, ...]:
    """The rules that the catalog keeps."""
    return parse_synonyms(json.loads(kept or "[]"))


def _expanded(rules: Sequence[SynonymRule], analyzer: Analyzer) -> Expansions:
    others: defaultdict[tuple[str, ...], dict[tuple[str, ...], tuple[Word, ...]]]
    others = defaultdict(dict)
    for rule in rules:
        found = dict(_sequences(rule.found, analyzer))
        for sequence, _ in _sequences(rule.asked, analyzer):
            others[sequence] |= found
    for sequence, found in others.items():
        found.pop(sequence, None)
    return Expansions({one: tuple(found.values()) for one, found in others.items() if found})


def _sequences(
    expressions: Sequence[str], analyzer: Analyzer
) -> Iterator[tuple[tuple[str, ...], tuple[Word, ...]]]:
    """Each expression as terms, alone and with their places; not those that have none."""
    for expression in expressions:
        words = tuple(analyzer.words(expression))
        if words:
            yield tuple(word.term for word in words), words


def _bounded(rules: Iterable[SynonymRule]) -> tuple[SynonymRule, ...]:
    """Rules that are not too many; what is behind those is not looked at."""
    kept: list[SynonymRule] = []
    expressions = 0
    for rule in rules:
        kept.append(rule)
        expressions += len({*rule.asked, *rule.found})
        if len(kept) > MOST_RULES:
            raise InvalidFieldError("synonyms", f"are more than {MOST_RULES:,} rules; join some")
        if expressions > MOST_EXPRESSIONS:
            reason = f"have more than {MOST_EXPRESSIONS:,} expressions in all rules together"
            raise InvalidFieldError("synonyms", reason)
    return tuple(kept)


def _rule(value: object, name: str) -> SynonymRule:
    if not isinstance(value, Mapping) or frozenset(value) not in _KEYS:
        raise InvalidFieldError(name, "must have `equivalent`, or `from` and `to`, and no more")
    sides = {key: _side(given, f"{name}.{key}") for key, given in value.items()}
    if "equivalent" in sides:
        return _equivalent(sides["equivalent"], f"{name}.equivalent")
    return SynonymRule(sides["from"], sides["to"])


def _side(value: object, name: str) -> tuple[str, ...]:
    """The expressions on one side of a rule, each once."""
    if not isinstance(value, list) or not value:
        raise InvalidFieldError(name, "must be a list of at least one word")
    found = tuple(dict.fromkeys(" ".join(check_words(one, field=name).split()) for one in value))
    if len(found) > MOST_ON_A_SIDE:
        raise InvalidFieldError(name, f"has {len(found)} expressions; at most {MOST_ON_A_SIDE} are")
    long = [one for one in found if len(one) > MOST_EXPRESSION_CHARS]
    if long:
        reason = f"has more than {MOST_EXPRESSION_CHARS} characters: {long[0][:40]!r}…"
        raise InvalidFieldError(name, reason)
    return found


def _equivalent(words: tuple[str, ...], name: str) -> SynonymRule:
    if len(words) < 2:
        raise InvalidFieldError(name, f"names {words[0][:80]!r} alone; a synonym takes two")
    return SynonymRule(words, words)


def _line(line: str, name: str) -> SynonymRule:
    sides: list[list[str]] = [[""]]
    for piece in _PIECE.finditer(line):
        if piece["arrow"]:
            sides.append([""])
        elif piece["comma"]:
            sides[-1].append("")
        else:
            sides[-1][-1] += piece["escaped"] or piece["plain"]
    if len(sides) > 2:
        raise InvalidFieldError(name, "has more than one =>; a rule has two sides")
    given = [_written(side, name) for side in sides]
    return SynonymRule(*given) if len(given) == 2 else _equivalent(given[0], name)


def _written(side: list[str], name: str) -> tuple[str, ...]:
    """The expressions between the commas of one side of a line."""
    if not all(one.strip() for one in side):
        raise InvalidFieldError(name, "has nothing before or after a comma or =>; write a word")
    return _side(side, name)
