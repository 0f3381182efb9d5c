"""What a search may ask to be shown of its hits, and the answer that it may name."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.texts import without_nul
from molt.app.http.validation import WHOLE, Strict
from molt.engine.search.highlights.fragments import (
    LONGEST_FRAGMENT,
    MOST_FRAGMENTS,
    SHORTEST_FRAGMENT,
    FragmentField,
    Highlighting,
)

LONGEST_MARK = 64
_DEFAULT = Highlighting()
_Mark = Annotated[str, Field(max_length=LONGEST_MARK), AfterValidator(without_nul)]


class HighlightBody(Strict):
    """How many fragments of a hit, how long one is at most, and what stands around marked words."""

    fragments: Annotated[int, Field(ge=1, le=MOST_FRAGMENTS), WHOLE] = _DEFAULT.fragments
    size: Annotated[int, Field(ge=SHORTEST_FRAGMENT, le=LONGEST_FRAGMENT), WHOLE] = _DEFAULT.size
    pre: _Mark = _DEFAULT.pre
    post: _Mark = _DEFAULT.post


def _asked(value: object) -> object:
    """True stands for an object that leaves all as it is, false for nothing."""
    if isinstance(value, dict | HighlightBody):
        return value
    if value is False:
        return None
    if value is not True:
        raise PydanticCustomError(
            "highlight", "must be true, false, or an object with `fragments`, `size`, `pre`, `post`"
        )
    return HighlightBody()


def _whole_number(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


_MARK = {"type": "string", "maxLength": LONGEST_MARK, "pattern": r"^[^\u0000]*$"}
_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "boolean"},
        {
            "type": "object",
            "properties": {
                "fragments": _whole_number(1, MOST_FRAGMENTS),
                "size": _whole_number(SHORTEST_FRAGMENT, LONGEST_FRAGMENT),
                "pre": _MARK,
                "post": _MARK,
            },
            "additionalProperties": False,
        },
    ]
}
HighlightField = Annotated[HighlightBody | None, BeforeValidator(_asked), WithJsonSchema(_SCHEMA)]


class HighlightPlace(BaseModel):
    """Which characters of a document's title or text a fragment shows."""

    field: FragmentField
    start: int
    end: int


class AnswerShown(BaseModel):
    """The sentence of the best hits that most likely answers: where it stands in its document."""

    id: str
    text: str
    start: int
    end: int
    score: float = Field(description="how likely it is to answer, from 0.8 to 1")


def highlighting_of(asked: HighlightBody | None, *, has_query: bool) -> Highlighting | None:
    """What the engine is asked for. Raises `InvalidRequestError` where there is no query."""
    if asked is None:
        return None
    _require_query("highlight", has_query=has_query)
    return Highlighting(asked.fragments, asked.size, asked.pre, asked.post)


def with_query(asked: bool, name: str, *, has_query: bool) -> bool:  # noqa: FBT001  as it was sent
    """What was asked for as `name`. Raises `InvalidRequestError` where there is no query."""
    if asked:
        _require_query(name, has_query=has_query)
    return asked


def _require_query(name: str, *, has_query: bool) -> None:
    if not has_query:
        detail = "compares documents with a `query`; leave it out, or send one in place of `like`"
        raise InvalidRequestError([Violation(detail, "body", (name,))])
