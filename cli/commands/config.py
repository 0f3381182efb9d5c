"""`molt config`: what every setting is, and where its value came from."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import Any

from molt.cli.invocation import Invocation
from molt.cli.output import Listing


def show(call: Invocation) -> None:
    """Show every setting, its value and where that came from; secrets are redacted."""
    from molt.engine.telemetry.redaction import shown_settings

    values = shown_settings(call.settings())
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


def _origins(call: Invocation) -> dict[str, str]:
    """The name of each setting that was given, and the strongest place that gave it."""
    from pydantic_settings import EnvSettingsSource, InitSettingsSource

    from molt.engine.settings import Settings
    from molt.engine.telemetry.redaction import leaves_of

    flags = InitSettingsSource(Settings, {} if call.home is None else {"home": call.home})
    environment = EnvSettingsSource(Settings)
    sources = Settings.settings_customise_sources(Settings, flags, environment, flags, flags)
    origins: dict[str, str] = {}
    for label, source in zip(("flag", "environment", "molt.toml"), sources, strict=True):
        for name, _ in leaves_of(source()):
            origins.setdefault(name, label)
    return origins
