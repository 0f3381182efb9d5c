"""What an operator may set, read once at the edge and frozen.

Flag > environment (`MOLT_…`, `__` nests) > `molt.toml` in the home > default.
"""

import json
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from molt.artifact import Home
from molt.encoder.encoder import ENCODE_SECONDS
from molt.encoder.host import cores
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.catalog import home_url
from molt.index.catalog.fields import is_id
from molt.index.jobs.queue import jobs_url

DEFAULT_HOME = Path("molt-data")
_PREFIX = "MOLT_"
_OTHERS = frozenset(("MOLT_DEBUG",))
"""What other parts of Molt read."""
_FOREIGN = tuple(f"MOLT_{each}" for each in ("TEST_", "FUZZ_", "SOAK_", "DEMO_", "FAULTPOINTS"))
"""What begins so is of those who develop it."""
EMBEDDING = "default-embedding"
"""Another name of the model `default`, for programs that list what has "embed" in its name."""
RESERVED_NAMES = frozenset({DEFAULT, EMBEDDING})
"""What no alias can be called."""


class SettingsError(Exception):
    """A setting has a value that it cannot have; the message names it and where it came from."""


_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?/?")
_PORTS = {"http": "80", "https": "443"}


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
            if name in RESERVED_NAMES:
                raise _wrong(f"{name!r} cannot be an alias: it names a model already")
            if target in aliases:
                raise _wrong(f"{name!r} stands for another alias; name that one's model")
        return aliases


def _wrong(reason: str) -> PydanticCustomError:
    return PydanticCustomError("alias", "{reason}", {"reason": reason})


class IndexSettings(_Section):
    """How documents become segments."""

    seal: bool = Field(default=True, description="whether this process may seal segments")
    batch_documents: int = Field(1024, ge=1, description="documents sealed into one segment")
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
    max_filter_nodes: int = Field(256, ge=1, description="conditions in one filter")
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
        ENCODE_SECONDS, gt=0, le=3600, description="how long a checkpoint may take for one text"
    )


class AuditSettings(_Section):
    """How long it is known who administered what."""

    days: int = Field(365, ge=1, le=36_500, description="days that an entry is kept")
    entries: int = Field(100_000, ge=100, description="entries kept at most, the newest")


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


class Settings(BaseSettings):
    """Every setting of Molt."""

    model_config = SettingsConfigDict(
        env_prefix="MOLT_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    home: Path = Field(DEFAULT_HOME, description="directory that holds everything")
    catalog_url: str | None = Field(
        None,
        description="SQLAlchemy URL of the catalog, such as postgresql+psycopg://molt@db/molt; by "
        "default SQLite inside the home",
    )
    jobs_url: str | None = Field(
        None,
        description="SQLAlchemy URL of the job queue; by default SQLite inside the home, or the "
        "catalog's where that is PostgreSQL",
    )
    host: str = Field("127.0.0.1", description="address to bind")
    port: int = Field(8080, ge=0, le=65535, description="port to bind; 0 takes a free one")
    workers: int = Field(1, ge=1, le=256, description="serving processes")
    encoder: EncoderSettings = Field(EncoderSettings(), description="how text becomes vectors")
    models: ModelSettings = Field(ModelSettings(), description="names of models")
    index: IndexSettings = Field(IndexSettings(), description="how documents become segments")
    worker: WorkerSettings = Field(WorkerSettings(), description="what trains and re-indexes")
    watch: WatchSettings = Field(WatchSettings(), description="what is watched after a flip")
    limits: LimitSettings = Field(LimitSettings(), description="what a request may ask for")
    audit: AuditSettings = Field(AuditSettings(), description="how long the audit log goes back")
    cors: CorsSettings = Field(CorsSettings(), description="which pages from elsewhere may ask")
    log: LogSettings = Field(LogSettings(), description="what is logged")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  named by the base class
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then `molt.toml` in the home that those two name."""
        home = init_settings().get("home") or env_settings().get("home") or DEFAULT_HOME
        toml = TomlConfigSettingsSource(settings_cls, Home(Path(home)).settings)
        return init_settings, env_settings, toml

    @property
    def layout(self) -> Home:
        """Where everything lies in the home."""
        return Home(self.home)

    @property
    def catalog(self) -> str:
        """SQLAlchemy URL of the catalog."""
        return self.catalog_url or home_url(self.home)

    @property
    def jobs(self) -> str:
        """SQLAlchemy URL of the job queue."""
        return self.jobs_url or jobs_url(self.home, self.catalog_url)

    @property
    def encoder_threads(self) -> int:
        """Threads that encode in this process."""
        return self.encoder.threads or cores()

    def of_one_worker(self) -> Self:
        """The settings of one of `workers` serving processes: cores are shared among them."""
        share = self.encoder.threads or max(1, cores() // self.workers)
        encoder = self.encoder.model_copy(update={"threads": share})
        return self.model_copy(update={"encoder": encoder})


def load_settings(**flags: Any) -> Settings:
    """Read the settings; a flag that is None was not given. Raises `SettingsError`."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise SettingsError(f"setting {name} is none; {_near_miss(first['loc'])}") from None
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"setting {name}: {reason}; see docs/configuration.md") from None
    except ValueError as error:
        raise SettingsError(f"molt.toml cannot be read: {error}") from None


def misspelt_variables(names: Iterable[str]) -> list[str]:
    """A sentence for each of `names` that looks like a setting and is none."""
    known = {*_variables(Settings, _PREFIX), *_OTHERS}
    return [
        f"the variable {name[:80]} is no setting; {_meant(name.upper(), known)}"
        for name in sorted(names)
        if name.upper().startswith(_PREFIX)
        and name.upper() not in known
        and not name.upper().startswith(_FOREIGN)
    ]


def _near_miss(place: tuple[int | str, ...]) -> str:
    """What may have been meant by a name that is none."""
    *sections, wrong = map(str, place)
    known: Any = Settings
    for section in sections:
        known = type(known.model_fields[section].default)
    near = get_close_matches(wrong, getattr(known, "model_fields", ()), n=1)
    if not near:
        return "docs/configuration.md lists them"
    return f"did you mean {'.'.join((*sections, *near))}?"


def _meant(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.75)
    flat = {each.replace("__", "_"): each for each in known}
    meant = flat.get(name.replace("__", "_")) or next(iter(near), None)
    return f"did you mean {meant}?" if meant else "docs/configuration.md lists them"


def _variables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name.upper()}"
        if isinstance(field.default, BaseModel):
            yield from _variables(type(field.default), f"{prefix}{name.upper()}__")
