"""`molt config`: what every setting is, and where its value came from."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Iterator, Mapping
from typing import Any

from molt.cli.invocation import Invocation
from molt.cli.output import Listing

REDACTED = "redacted"
_SECRET_QUERY = ("password", "sslpassword", "passfile")


def show(call: Invocation) -> None:
    """Show every setting, its value and where that came from; secrets are redacted."""
    values = dict(_leaves(call.settings().model_dump(mode="json")))
    values |= {name: redacted_url(url) for name, url in values.items() if name.endswith("_url")}
    origins = _origins(call)
    shown = {
        name: {"value": value, "source": origins.get(name, "default")}
        for name, value in values.items()
    }
    call.show(
        shown,
        lambda: Listing(
            ("setting", "value", "source"),
            [(name, _as_written(each["value"]), each["source"]) for name, each in shown.items()],
        ),
    )


def _as_written(value: Any) -> Any:
    """A truth value as `molt.toml` has it."""
    return str(value).lower() if isinstance(value, bool) else value


def redacted_url(url: str | None) -> str | None:
    """A database URL without its password, wherever in it that stands."""
    if url is None:
        return None
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return REDACTED
    hidden = {key: REDACTED for key in _SECRET_QUERY if key in parsed.query}
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


def _origins(call: Invocation) -> dict[str, str]:
    """The name of each setting that was given, and the strongest place that gave it."""
    from pydantic_settings import EnvSettingsSource, InitSettingsSource

    from molt.engine.settings import Settings

    flags = InitSettingsSource(Settings, {} if call.home is None else {"home": call.home})
    environment = EnvSettingsSource(Settings)
    sources = Settings.settings_customise_sources(Settings, flags, environment, flags, flags)
    origins: dict[str, str] = {}
    for label, source in zip(("flag", "environment", "molt.toml"), sources, strict=True):
        for name, _ in _leaves(source()):
            origins.setdefault(name, label)
    return origins


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested mappings under its dotted name."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
