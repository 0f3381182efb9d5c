"""Markup: the words of a text with HTML in it. A tag begins with `<` and a letter, `/` or `!`."""

import re
from enum import StrEnum
from html import unescape


class Markup(StrEnum):
    """What becomes of HTML in titles and texts."""

    KEPT = "kept"
    STRIPPED = "stripped"


_SILENT = re.compile(r"<(script|style|template)\b[^>]{0,10000}>.*?(?:</\1\s*>|\Z)", re.I | re.S)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|br|dd|div|dl|dt|figcaption|figure|footer|form|h[1-6]|"
    r"header|hr|li|main|nav|ol|p|pre|section|table|tbody|td|tfoot|th|thead|tr|ul)\b[^<>]*>",
    re.I,
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<![A-Za-z\[][^<>]*>")
_BLANKS = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r" ?\n[ \n]*")


def strip_markup(text: str) -> str:
    """The text without tags, comments and scripts, its entities as the characters they are.

    Blocks end lines. What is no tag, as in `3 < 5`, stays.
    """
    if "<" not in text and "&" not in text:
        return text
    plain = _COMMENT.sub(" ", _SILENT.sub(" ", text))
    plain = unescape(_TAG.sub("", _BLOCK.sub("\n", plain)))
    return _BREAKS.sub("\n", _BLANKS.sub(" ", plain.replace("\0", ""))).strip()


def has_markup(text: str) -> bool:
    """Does a text look as if it came from a page?"""
    return "<" in text and _BLOCK.search(text) is not None
