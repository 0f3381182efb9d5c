"""Wording: what pydantic says of a value, in words for whoever gave it.

Options of commands, settings and configurations are checked by it. What HTTP requests are told is
the app's own, which says what was sent in words of JSON.
"""

import re

_WORDS = tuple(
    (re.compile(found), said)
    for found, said in (
        (r"^Value error, ", ""),
        (r"^Input should be a valid integer.*", "must be a whole number"),
        (r"^Input should be a valid number.*", "must be a number"),
        (r"^Input should be a valid boolean.*", "must be true or false"),
        (r"^Input should be a valid string.*", "must be a text"),
        (r"^Input should be a valid (?:list|tuple).*", "must be a list"),
        (r"^Input should be a valid (?:dictionary|mapping).*", "must be a section of keys"),
        (r"^Input should be greater than or equal to ", "must be at least "),
        (r"^Input should be less than or equal to ", "must be at most "),
        (r"^Input should be greater than ", "must be more than "),
        (r"^Input should ", "must "),
        (r"^Field required$", "is missing"),
    )
)


def plainly(said: str) -> str:
    """A sentence of pydantic's in plain words; any other as it is."""
    for found, instead in _WORDS:
        said = found.sub(instead, said)
    return said
