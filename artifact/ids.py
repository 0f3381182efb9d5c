"""Ids by their beginning: what a person types of a long id, where it can mean only one."""

from collections.abc import Iterable

from molt.artifact.errors import ForeseenError

LEAST_CHARS = 4
_MOST_NAMED = 5


class AmbiguousIdError(ForeseenError):
    """A beginning that several ids have; the message names some."""


def match_id(given: str, known: Iterable[str], *, what: str) -> str | None:
    """The id that is `given`, or the only one that begins so; None where there is none.

    At least 4 characters are a beginning. Raises `AmbiguousIdError`, which calls an id a `what`.
    """
    found = {each for each in known if each.startswith(given)}
    if given in found:
        return given
    if len(given) < LEAST_CHARS or not found:
        return None
    if len(found) == 1:
        return found.pop()
    some = ", ".join(sorted(found)[:_MOST_NAMED])
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    raise AmbiguousIdError(
        f"several {what}s begin with {given[:80]!r}: {some}{more}; write more of it"
    )
