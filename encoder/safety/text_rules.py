"""Text rules: what a `tokenizer.json` does to a text before it looks for tokens.

They replace and split by patterns, which can multiply a text or search it for longer than anybody
lives; and so do those that make a text of tokens again. What no tokenizer needs of that is refused
here from the file alone; what is let pass is still tried in a child process.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from molt.encoder.content import is_deep, read_object
from molt.encoder.errors import UnsafeCheckpointError

_READING, _WRITING = ("normalizer", "pre_tokenizer"), ("decoder",)
_LARGEST_GROWTH = {_READING: 64, _WRITING: 4}
_LONGEST_TOKEN = 512
_LONGEST_PATTERN = 4096
_MOST_RULES = 1000
_MOST_REPEATS, _MOST_OPTIONS = 3, 6
"""How often one branch of a pattern may repeat something without bound, and leave something out."""

_PART = re.compile(
    r"\\.|\[(?:\\.|\[(?:\\.|[^\[\]\\])*+\]|[^\[\]\\])*+\]"  # a character, or a class of them
    r"|\((?:\?(?:[A-Za-z-]*[:=!>]|<[=!]))?|[|)]"  # a group begins, branches, ends
    r"|(?:[*+?]|\{\d*+,?\d*+\})[?+]?|.",  # what was before comes again, or may be left out
    re.DOTALL,
)
_UNBOUNDED = re.compile(r"(?:[*+]|\{\d*,\})[?+]?")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d*,?\d*\})[?+]?")
_BACK = re.compile(r"\\(?:[1-9]|k<|g<)|\(\?(?:R|[0-9]|&)")


def check_text_rules(path: Path) -> None:
    """Raise `UnsafeCheckpointError` where a rule may multiply a text or search it without end."""
    tokenizer = read_object(path)
    for stages, largest in _LARGEST_GROWTH.items():
        growth = 1.0
        for rule in _rules(path, tokenizer, stages):
            pattern = _pattern(rule)
            if isinstance(pattern, str) and _may_hang(pattern):
                raise UnsafeCheckpointError(
                    path, f"searches by the pattern {pattern[:80]!r}, which may take for ever"
                )
            growth *= _growth(rule)
        if growth > largest:
            raise UnsafeCheckpointError(path, f"may make a text {growth:.0f} times as long")
    longest = max(map(len, _tokens(tokenizer)), default=0)
    if longest > _LONGEST_TOKEN:
        raise UnsafeCheckpointError(
            path, f"has a token of {longest} characters, where {_LONGEST_TOKEN} are allowed"
        )


def replaced_texts(path: Path) -> list[str]:
    """What the rules of a file that was let pass look for: texts that are worth trying."""
    rules = _rules(path, read_object(path), _READING)
    found = [str(text) for rule in rules for text in _searched(rule)]
    return [text[:_LONGEST_PATTERN] for text in found if text]


def _tokens(tokenizer: dict[str, Any]) -> Iterator[str]:
    """Each token, wherever its kind of model keeps it."""
    model, added = tokenizer.get("model"), tokenizer.get("added_tokens")
    known = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(known, dict):
        yield from known
    elif isinstance(known, list):
        yield from (str(one[0]) for one in known if isinstance(one, list) and one)
    if isinstance(added, list):
        yield from (str(one.get("content")) for one in added if isinstance(one, dict))


def _rules(
    path: Path, tokenizer: dict[str, Any], stages: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """Each rule of some stages, whatever it is nested in."""
    pending = [tokenizer.get(stage) for stage in stages]
    if is_deep(pending):
        raise UnsafeCheckpointError(path, "nests its rules deeper than any tokenizer does")
    seen = 0
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending.extend(part)
        elif isinstance(part, dict):
            seen += 1
            if seen > _MOST_RULES:
                raise UnsafeCheckpointError(path, "has more rules than any tokenizer does")
            yield part
            pending.extend(part.values())


def _searched(rule: dict[str, Any]) -> Iterator[object]:
    pattern = rule.get("pattern")
    if isinstance(pattern, dict):
        yield from pattern.values()


def _pattern(rule: dict[str, Any]) -> object:
    pattern = rule.get("pattern")
    return pattern.get("Regex") if isinstance(pattern, dict) else None


def _growth(rule: dict[str, Any]) -> float:
    """How many times as long it can make a text."""
    content, pattern = rule.get("content"), rule.get("pattern")
    if not isinstance(content, str) or not isinstance(pattern, dict):
        return 1.0
    plain = pattern.get("String")
    return max(1.0, len(content) / len(plain) if isinstance(plain, str) and plain else len(content))


def _may_hang(pattern: str) -> bool:
    """Does it repeat what repeats or branches, or refer to itself? Then a search may backtrack."""
    if len(pattern) > _LONGEST_PATTERN or _BACK.search(pattern):
        return True
    several = [False]  # of each open group: has it several ways to match?
    ended = False  # has such a group just ended?
    repeats = options = 0
    for found in _PART.finditer(pattern):
        part = found[0]
        if _QUANTIFIER.fullmatch(part):
            if ended and not part.startswith("?"):
                return True
            repeats += _UNBOUNDED.fullmatch(part) is not None
            options += 1
            several[-1] = True
        unended = part == "["  # or a class that is nested deeper than any tokenizer's
        if unended or repeats > _MOST_REPEATS or options > _MOST_OPTIONS:
            return True
        ended = part == ")" and len(several) > 1 and several.pop()
        several[-1] = several[-1] or ended or part == "|"
        if part.startswith("("):
            several.append(False)
        elif part == "|" and len(several) == 1:
            repeats = options = 0
    return False
