"""Redaction: the settings in force as people may see them, without what only programs should."""

from collections.abc import Iterator, Mapping
from typing import Any

from molt.engine.settings import Settings

REDACTED = "redacted"
_URLS = "_url", ".endpoint"
_SECRET_QUERY = ("password", "sslpassword", "passfile")


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Every setting under its dotted name, with passwords redacted."""
    values = dict(leaves_of(settings.model_dump(mode="json")))
    return values | {
        name: redacted_url(url) for name, url in values.items() if name.endswith(_URLS)
    }


def redacted_url(url: str | None) -> str | None:
    """A URL, of a database or a collector, without its password, wherever in it that stands."""
    if url is None:
        return None
    from sqlalchemy import make_url  # noqa: PLC0415  nobody else needs it at a start
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return REDACTED
    hidden = {key: REDACTED for key in _SECRET_QUERY if key in parsed.query}
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


def leaves_of(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested mappings under its dotted name."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves_of(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
