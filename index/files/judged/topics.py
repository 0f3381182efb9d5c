"""TREC topics: numbered queries in tags that need not be closed.

A tag is `<` with a letter or `/` behind it; any other `<` belongs to the text.
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from molt.index.files.errors import RowError
from molt.index.files.row import Row

_TAG = re.compile(r"<(/?)([A-Za-z][\w:-]*)([^<>]*)>")
_NUMBER = re.compile(r"""\b(?:number|num|id|qid)\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
_LABEL = re.compile(r"\s*(number|title|topic|description|narrative)\s*:\s*", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_TOPICS = frozenset({"top", "topic"})
_PARTS = {
    "num": "num",
    "number": "num",
    "title": "title",
    "query": "title",
    "desc": "description",
    "description": "description",
    "question": "description",
    "narr": "narrative",
    "narrative": "narrative",
}
"""Tags, and the part of a topic that each begins."""
_MAX_CHARS = 1_000_000


@dataclass
class _Topic:
    line: int
    parts: dict[str, str] = field(default_factory=dict)
    open: str | None = None
    chars: int = 0

    def add(self, text: str) -> None:
        self.chars += len(text)
        if self.open is not None and self.chars <= _MAX_CHARS:
            self.parts[self.open] = self.parts.get(self.open, "") + text


@dataclass(frozen=True)
class _Mark:
    """A tag, or a text between tags, on the line of that number.

    `inline` is a tag that nobody knows and that is closed on its line, or closes there.
    """

    line: int
    text: str
    tag: re.Match[str] | None = None
    inline: bool = False


def read_topics(
    path: Path, lines: Iterable[tuple[int, str | RowError]]
) -> Iterator[Row | RowError]:
    """Every topic: its number is the id, its title the text, the rest metadata.

    A topic without a title is asked by its description.
    """
    topic: _Topic | None = None
    for number, line in lines:
        if isinstance(line, RowError):
            yield line
            continue
        for mark in _marks(number, line):
            if mark.tag is not None and mark.tag[2].lower() in _TOPICS:
                if topic is not None:
                    yield _finished(path, topic)
                topic = None if mark.tag[1] else _begun(mark)
            elif topic is not None:
                _follow(topic, mark)
    if topic is not None:
        yield _finished(path, topic)


def _marks(number: int, line: str) -> Iterator[_Mark]:
    """What a line holds; a tag that nobody knows is text unless it begins the line."""
    at, begun = 0, ""
    tags = list(_TAG.finditer(line))
    for tag in tags:
        name = tag[2].lower()
        known = name in _TOPICS or name in _PARTS
        if not line[: tag.start()].strip() and not known:
            begun = name
        if known or name == begun:
            closes = any(one[1] and one[2].lower() == name for one in tags)
            yield _Mark(number, line[at : tag.start()])
            yield _Mark(number, tag[0], tag, inline=closes and not known)
            at = tag.end()
    yield _Mark(number, line[at:] + "\n")


def _begun(mark: _Mark) -> _Topic:
    told = _NUMBER.search(mark.text)
    return _Topic(mark.line, {"num": told[1]} if told else {})


def _follow(topic: _Topic, mark: _Mark) -> None:
    if mark.tag is None:
        topic.add(mark.text)
        return
    name = mark.tag[2].lower()
    if mark.inline and topic.open not in (None, name):
        topic.add(mark.text)  # as <i>this</i> in the text of a part
        return
    topic.open = None if mark.tag[1] else _PARTS.get(name, name)


def _finished(path: Path, topic: _Topic) -> Row | RowError:
    if topic.chars > _MAX_CHARS:
        why = f"a topic of more than {_MAX_CHARS} characters; is its end missing?"
        return RowError(path, topic.line, why)
    parts = {name: _clean(text) for name, text in topic.parts.items()}
    told = {name: text for name, text in parts.items() if text}
    number = told.pop("num", None)
    if number is None:
        return RowError(path, topic.line, "the topic has no number; give it a tag <num>")
    text = told.pop("title", None) or told.pop("description", None)
    if text is None:
        return RowError(path, topic.line, "the topic has no text; give it a tag <title>")
    return Row(topic.line, {"id": number, "text": text, "metadata": told})


def _clean(text: str) -> str:
    words = " ".join(_CDATA.sub("", html.unescape(text)).split())
    return words[label.end() :] if (label := _LABEL.match(words)) else words
