"""The settings: what an operator has set, read once at the edge and frozen.

Flag > environment (`MOLT_…`, `__` nests) > `molt.toml` in the home > default. What may be set of
each part is in `sections`. Every command reads them first, so neither loads the encoder or the
database.
"""

# ruff: noqa: PLC0415  what a setting is computed with is imported by who asks for it

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from molt.artifact import ForeseenError, Home
from molt.artifact.wording import plainly
from molt.engine.sections import (
    AuditSettings,
    CorsSettings,
    EncoderSettings,
    ExperimentSettings,
    IndexSettings,
    LearnSettings,
    LimitSettings,
    LogSettings,
    ModelSettings,
    PageSettings,
    SuggestSettings,
    TracingSettings,
    WatchSettings,
    WorkerSettings,
)

DEFAULT_HOME = Path("molt-data")
_PREFIX = "MOLT_"
_OTHERS = frozenset(("MOLT_API_KEY", "MOLT_DEBUG"))
"""What other parts of Molt read."""
_FOREIGN = tuple(f"MOLT_{each}" for each in ("TEST_", "FUZZ_", "SOAK_", "DEMO_", "FAULTPOINTS"))
"""What begins so is of those who develop it."""


class SettingsError(ForeseenError):
    """A setting has a value that it cannot have; the message names it and where it came from."""


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
    experiments: ExperimentSettings = Field(
        ExperimentSettings(), description="how two ways to search are compared"
    )
    limits: LimitSettings = Field(LimitSettings(), description="what a request may ask for")
    suggest: SuggestSettings = Field(SuggestSettings(), description="what completes queries")
    learn: LearnSettings = Field(LearnSettings(), description="what of use is learnt from")
    audit: AuditSettings = Field(AuditSettings(), description="how long the audit log goes back")
    cors: CorsSettings = Field(CorsSettings(), description="which pages from elsewhere may ask")
    pages: PageSettings = Field(PageSettings(), description="how pages for people behave")
    log: LogSettings = Field(LogSettings(), description="what is logged")
    tracing: TracingSettings = Field(TracingSettings(), description="where spans are sent")

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
        from molt.index.catalog.catalog import home_url

        return self.catalog_url or home_url(self.home)

    @property
    def jobs(self) -> str:
        """SQLAlchemy URL of the job queue."""
        from molt.index.jobs.database import jobs_url

        return self.jobs_url or jobs_url(self.home, self.catalog_url)

    @property
    def encoder_threads(self) -> int:
        """Threads that encode in this process."""
        from molt.encoder.host import cores

        return self.encoder.threads or cores()

    def of_one_worker(self) -> Self:
        """The settings of one of `workers` serving processes: cores are shared among them."""
        from molt.encoder.host import cores

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
        reason = plainly(first["msg"])
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
