"""What is said about a collection."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from molt.app.http.texts import CollectionName, without_nul
from molt.app.http.validation import Strict
from molt.app.routes.search.boosts import BoostBody, Boosts
from molt.index.catalog.fields import MAX_FIELD_CHARS
from molt.index.lexical.analysis import MOST_WORDS, Language
from molt.index.lexical.synonyms import MOST_EXPRESSION_CHARS, MOST_ON_A_SIDE, MOST_RULES
from molt.index.passages.splitting import LEAST_TOKENS, MOST_TOKENS, Splitting, parse_splitting
from molt.index.ranking.field_weights import HEAVIEST, MOST_FIELDS

ExpiryField = Annotated[
    str,
    AfterValidator(without_nul),
    Field(max_length=MAX_FIELD_CHARS, json_schema_extra={"pattern": r"^(?!id$)[^\u0000]*$"}),
]
"""A dotted path; `id` is no metadata."""


class PassagesBody(Strict):
    """How the long texts of a collection are split into passages, of which each has a vector."""

    split: bool = Field(default=True, description="false: one vector for a text, of its beginning")
    tokens: int | None = Field(
        None,
        ge=LEAST_TOKENS,
        le=MOST_TOKENS,
        description="at most so many in a passage; left out, as many as the encoder reads",
    )
    overlap: int = Field(
        0,
        ge=0,
        le=MOST_TOKENS // 2,
        description="a passage begins with whole sentences of the former one, of so many tokens "
        "at most",
    )

    @property
    def splitting(self) -> Splitting | None:
        """What a collection keeps of it. Raises `InvalidFieldError`."""
        if not self.split:
            return None
        return parse_splitting({"tokens": self.tokens, "overlap": self.overlap})


class AnalysisBody(Strict):
    """How the texts of a collection become terms of its lexical index."""

    language: Language | Literal["none"] = Field(
        default="english", description="whose endings and stop words go; `none` leaves all as it is"
    )
    stop_words: list[str] | None = Field(
        default=None,
        max_length=MOST_WORDS,
        description="that are not searched for, in place of those of the language",
    )
    fold: bool = Field(default=True, description="are accents none?")
    compounds: list[str] = Field(
        default=[],
        max_length=MOST_WORDS,
        description="words that longer ones consist of, which are split",
    )
    weights: dict[str, Annotated[float, Field(ge=0, le=HEAVIEST)]] = Field(
        default={},
        max_length=MOST_FIELDS,
        description="of `title` and fields of the metadata, that count beside the text",
    )


class NewCollection(Strict):
    """The body of `POST /collections`."""

    name: CollectionName = Field(description="1 to 63 of a-z, 0-9, _ and -")
    expiry_field: ExpiryField | None = Field(
        None, description="the field of the metadata whose date says when a document expires"
    )
    passages: PassagesBody | None = Field(
        None, description="how long texts are split; left out, not at all"
    )
    analysis: AnalysisBody | None = Field(
        default=None, description="of the lexical index; what it leaves out is as by default"
    )


class CollectionChange(Strict):
    """The body of `PATCH /collections/{collection}`."""

    expiry_field: ExpiryField | None = Field(
        default=None,
        description="the field of the metadata whose date says when a document expires; an empty "
        "string lets none expire any more",
    )
    boosts: Boosts | None = Field(
        default=None, description="of searches that name none; an empty list boosts none any more"
    )
    passages: PassagesBody | None = Field(
        default=None, description="how long texts are split in indexes that are made from now on"
    )
    analysis: AnalysisBody | None = Field(
        default=None,
        description="of the lexical index, which is made anew in the background; an empty object "
        "is the default",
    )


class QuarantinedDocument(BaseModel):
    """A document that cannot be encoded: kept, found by no search, and tried again when changed."""

    id: str
    revision: int
    reason: str


class Quarantine(BaseModel):
    """How many documents cannot be encoded, and the first of them."""

    count: int
    documents: list[QuarantinedDocument]


class CollectionState(BaseModel):
    """A collection: its counters, how far its index has come, and what its pointer names.

    While `state` is `loading` or `refused`, searches are answered by what was served before, where
    there is something; `problem` says why what the pointer names is refused. `expired_total`
    documents were deleted because the date in `expiry_field` had passed.
    """

    name: str
    aliases: list[str]
    created_at: datetime
    documents: int
    revision: int
    indexed_revision: int
    generation: str | None
    checkpoint: str | None
    epoch: int
    state: Literal["loading", "serving", "refused"]
    problem: str | None
    quarantine: Quarantine
    expiry_field: str | None
    expired_total: int


class Unreadable(BaseModel):
    """How many documents have something in the field that is no date; the ids of the first."""

    count: int
    documents: list[str]


class ExpiryDetail(BaseModel):
    """When the next document expires, and which never do although they have the field.

    While it is not `complete`, not all documents have been looked at.
    """

    next: datetime | None
    unreadable: Unreadable
    complete: bool


class FieldState(BaseModel):
    """A field of the metadata: in how many documents it has values of each kind.

    A text that is a number or a date counts as that. Where they are `mixed`, a range compares those
    of one kind alone.
    """

    field: str
    kinds: dict[Literal["number", "text", "date", "boolean", "null", "object"], int]
    mixed: bool


class CollectionDetail(CollectionState):
    """A collection with the fields that a filter can name; of very many only the largest ones.

    `expiry` is null where documents do not expire. `warnings` say what keeps them from it, and
    whether the index that serves was made before long texts were to be split as `passages` says.
    `expiry` is null where documents do not expire; `warnings` say what keeps them from it. Until
    `analysis_followed` the lexical index is still as the former analysis had it.
    """

    fields: list[FieldState]
    expiry: ExpiryDetail | None
    boosts: list[BoostBody]
    passages: PassagesBody
    analysis: AnalysisBody
    analysis_followed: bool
    warnings: list[str]


class CollectionList(BaseModel):
    """All collections by name."""

    collections: list[CollectionState]


_WORD = {
    "type": "string",
    "maxLength": MOST_EXPRESSION_CHARS,
    "pattern": r"^[^\s\u0000]+( [^\s\u0000]+)*$",
}


def _words(*, least: int) -> dict[str, Any]:
    several = {"type": "array", "items": _WORD, "minItems": least, "maxItems": MOST_ON_A_SIDE}
    return several | {"uniqueItems": True}


def _rule(**sides: dict[str, Any]) -> dict[str, Any]:
    shape = {"type": "object", "properties": sides, "required": [*sides]}
    return shape | {"additionalProperties": False}


_RULE = {
    "anyOf": [
        _rule(equivalent=_words(least=2)),
        _rule(**{"from": _words(least=1), "to": _words(least=1)}),
    ]
}
SynonymBody = Annotated[dict[str, Any], WithJsonSchema(_RULE)]
"""A rule: words any of which stands for all, or `from` some of them `to` others."""


class NewSynonyms(Strict):
    """The body of `PUT /collections/{collection}/synonyms`."""

    synonyms: list[SynonymBody] = Field(
        max_length=MOST_RULES, description="in place of all that were there; none takes them away"
    )


class SynonymList(BaseModel):
    """The synonyms of a collection; `version` counts their changes, and is their tag."""

    version: int
    synonyms: list[SynonymBody]
