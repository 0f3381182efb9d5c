"""Sections: what the parts of Molt let an operator set, each part in one frozen table.

Owns names, defaults, bounds and descriptions. Where values come from is `settings`'.
"""

import json
import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from molt.index.catalog.fields import is_id

EMBEDDING = "default-embedding"
"""Another name of the model `default`, for programs that list what has "embed" in its name."""

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?/?")
_PORTS = {"http": "80", "https": "443"}


def is_reserved(name: str) -> bool:
    """Does it name a model already, so that no alias can be called so?"""
    from molt.index.catalog.aliases import DEFAULT  # noqa: PLC0415  with the database

    return name in {DEFAULT, EMBEDDING}


def _origin(said: str) -> str:
    """An origin in the form that a browser sends. Raises `ValueError` where it is none."""
    found = _ORIGIN.fullmatch(said.strip().lower())
    if found is None:
        raise ValueError(
            "an origin is a scheme and a host, such as https://shop.example or "
            "http://localhost:3000, without a path; `*` is not taken"
        )
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" + (f":{port}" if port and port != _PORTS.get(scheme) else "")


def _listed(value: object) -> object:
    """In the environment they may be written as JSON or with commas."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return [one for one in value.split(",") if one.strip()]


def _each_once(origins: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_origin(origin) for origin in origins))


_Origins = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_each_once)
]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderSettings(_Section):
    """How text becomes vectors."""

    runtime: str = Field("auto", description="`auto`, or the name of one runtime variant")
    threads: int = Field(
        0, ge=0, le=1024, description="encoder threads of each process; 0 shares the cores"
    )
    max_open: int = Field(
        2, ge=1, le=1000, description="encoders opened for requests beside those that serve"
    )
    token_cache_bytes: int = Field(
        256 * 2**20, ge=0, description="token vectors that re-ranking keeps in memory, a process"
    )


class ModelSettings(_Section):
    """Under which names models may be asked for."""

    aliases: dict[str, str] = Field(
        {}, description="other names for models: each with the model that it stands for"
    )

    @field_validator("aliases")
    @classmethod
    def _check_aliases(cls, aliases: dict[str, str]) -> dict[str, str]:
        for name, target in aliases.items():
            if not is_id(name) or not is_id(target):
                raise _wrong("names have 1 to 512 characters, none of them a control character")
            if is_reserved(name):
                raise _wrong(f"{name!r} cannot be an alias: it names a model already")
            if target in aliases:
                raise _wrong(f"{name!r} stands for another alias; name that one's model")
        return aliases


def _wrong(reason: str) -> PydanticCustomError:
    return PydanticCustomError("alias", "{reason}", {"reason": reason})


class IndexSettings(_Section):
    """How documents become segments."""

    seal: bool = Field(default=True, description="whether this process may seal segments")
    batch_documents: int = Field(
        1024,
        ge=1,
        description="documents sealed into one segment; "
        "fewer where their texts exceed 4 Mi characters",
    )
    retained_generations: int = Field(
        2, ge=1, le=100, description="former generations kept to roll back to, of each collection"
    )
    poll_seconds: float = Field(0.5, gt=0, description="how often other processes' writes are seen")


class WorkerSettings(_Section):
    """The process that trains and re-indexes beside the server."""

    start: bool = Field(default=True, description="whether `molt serve` starts one and keeps it")
    niceness: int = Field(
        10, ge=0, le=19, description="how far its priority is below the server's, as of `nice`"
    )


class WatchSettings(_Section):
    """How a new generation is watched after the flip, and when it is taken back."""

    seconds: float = Field(
        120.0, ge=0, description="how long a released generation is watched; 0 for not at all"
    )
    min_requests: int = Field(
        50, ge=1, description="searches, or queries with events, that a comparison needs"
    )
    max_error_share: float = Field(
        0.01, ge=0, le=1, description="by how much the share of failing searches may rise"
    )
    max_slowdown: float = Field(
        2.0, ge=1, description="how many times as long the slowest 5 % of searches may take"
    )
    max_click_loss: float = Field(
        0.1, ge=0, le=1, description="part of the share of queries with a click that may be lost"
    )


class ExperimentSettings(_Section):
    """How two ways to search are compared by what users click on."""

    credit_seconds: float = Field(
        600.0, ge=0, le=7 * 86_400, description="how long after an answer clicks on it count"
    )
    rollback: bool = Field(
        default=True,
        description="whether what serves is taken back once an experiment has shown it to be worse",
    )


class LimitSettings(_Section):
    """What a request may ask for. Beyond it the answer is an error that names the limit."""

    max_body_bytes: int = Field(32 * 2**20, ge=1024, description="bytes of a request body")
    max_checkpoint_bytes: int = Field(
        4 * 2**30, ge=1024, description="bytes of an uploaded checkpoint, packed and unpacked"
    )
    max_unpacked_ratio: int = Field(
        200, ge=1, description="how many times its size a body with a Content-Encoding unpacks to"
    )
    max_ndjson_line_bytes: int = Field(4 * 2**20, ge=1024, description="bytes of an NDJSON line")
    max_query_chars: int = Field(8192, ge=1, description="characters of a query")
    max_text_chars: int = Field(1_000_000, ge=1, description="characters of a text")
    max_inputs: int = Field(2048, ge=1, description="texts in one embeddings request")
    max_documents: int = Field(10_000, ge=1, description="documents in one JSON request")
    max_k: int = Field(1000, ge=1, description="hits of one search")
    max_window: int = Field(10_000, ge=1, description="`offset` plus `k` of one search")
    max_searches: int = Field(100, ge=1, description="searches in one batch")
    max_curations: int = Field(1000, ge=1, description="curations of one collection")
    max_rerank: int = Field(200, ge=1, description="`depth` to which one search is re-ranked")
    max_filter_nodes: int = Field(256, ge=1, description="conditions in one filter")
    max_facets: int = Field(20, ge=1, description="facets of one search")
    max_facet_values: int = Field(
        1000, ge=2, description="values, ranges or buckets of one facet of a search"
    )
    max_pending: int = Field(
        512, ge=1, description="requests of one kind at work or waiting; more get 429"
    )
    max_head_bytes: int = Field(32 * 1024, ge=1024, description="bytes of a request's head")
    max_headers: int = Field(100, ge=8, description="headers of a request")
    head_seconds: float = Field(15.0, gt=0, description="longest time that a head may take")
    min_bytes_per_second: int = Field(
        256, ge=0, description="slower bodies are refused, slower readers cut off"
    )
    max_connections: int = Field(4096, ge=1, description="open connections of a process")
    max_answer_bytes: int = Field(
        8 * 2**20, ge=1024, description="about as large a page of documents or hits may be"
    )
    max_answer_bytes_in_flight: int = Field(
        128 * 2**20, ge=1024, description="bytes of all large answers together; more get 429"
    )
    max_bytes_in_flight: int = Field(
        256 * 2**20, ge=1024, description="bytes of all large bodies together; more get 429"
    )
    wait_seconds: float = Field(30.0, gt=0, description="longest `wait` of a document request")
    encode_seconds: float = Field(
        10.0, gt=0, le=3600, description="how long a checkpoint may take for one text"
    )


class SuggestSettings(_Section):
    """Which queries are completed, and by what."""

    min_users: int = Field(
        5, ge=2, description="different users who must have asked a query before others see it"
    )
    refresh_seconds: float = Field(
        10.0, gt=0, description="how soon titles and queries that are new are suggested"
    )
    max_titles: int = Field(
        1_000_000, ge=1, description="titles of one collection that are looked at"
    )


class LearnSettings(_Section):
    """What of searches is kept to be learnt from, and what users' actions are worth."""

    searches: bool = Field(
        default=True, description="whether searches are kept, with the hits that were shown"
    )
    share: float = Field(1.0, gt=0, le=1, description="part of the searches that is kept")
    days: int = Field(90, ge=1, le=36_500, description="days that a search is kept")
    rows: int = Field(200_000, ge=1000, description="searches kept at most, the newest")
    actions: dict[str, Annotated[float, Field(gt=0, le=100)]] = Field(
        {"click": 1.0, "dwell": 2.0, "add_to_cart": 3.0, "purchase": 4.0},
        description="actions of events that say a hit was of use, each with how much that says",
    )


class AuditSettings(_Section):
    """How long it is known who administered what."""

    days: int = Field(365, ge=1, le=36_500, description="days that an entry is kept")
    entries: int = Field(100_000, ge=100, description="entries kept at most, the newest")


class PageSettings(_Section):
    """How pages for people behave."""

    session_minutes: float = Field(
        720.0, gt=0, le=60 * 24 * 366, description="how long a person stays logged in"
    )


class CorsSettings(_Section):
    """Which pages of other origins a browser lets read answers."""

    origins: _Origins = Field(
        (), description="origins such as https://shop.example; none by default"
    )


class LogSettings(_Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe level that is written"
    )
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="JSON lines, or text for people; `auto`: text on a terminal alone"
    )


class TracingSettings(_Section):
    """Where spans of what is done are sent."""

    endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]+",
        description="URL of an OpenTelemetry collector that takes OTLP over HTTP, such as "
        "http://localhost:4318; by default that of OTEL_EXPORTER_OTLP_ENDPOINT, or none",
    )
