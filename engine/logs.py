"""Logs: one line on standard error for each thing that happened, as JSON or for a human.

Everything goes through structlog, also what libraries say through `logging`.
"""

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from molt.engine.settings import LogSettings

_QUIET = ("uvicorn.access", "uvicorn.error", "alembic", "sqlalchemy", "asyncio", "httpx")


def configure_logs(settings: LogSettings) -> None:
    """Set up logging for this process."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    structlog.configure(
        processors=[*_SHARED, *_renderers(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_factory(settings),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Forwarder()], level=logging.WARNING, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


_SHARED: tuple[Processor, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def _renderers(settings: LogSettings) -> tuple[Processor, ...]:
    if settings.format == "console":
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty()
        return (structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain),)
    without_values = ExceptionDictTransformer(show_locals=False)
    return (
        structlog.processors.ExceptionRenderer(without_values),
        structlog.processors.JSONRenderer(serializer=_serialise),
    )


def _factory(settings: LogSettings) -> Any:
    if settings.format == "console":
        return structlog.WriteLoggerFactory(file=sys.stderr)
    return structlog.BytesLoggerFactory(file=sys.stderr.buffer)


def _serialise(event: Any, **_: object) -> bytes:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS)


class _Forwarder(logging.Handler):
    """Hands what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        logger.log(record.levelno, record.getMessage(), exc_info=record.exc_info, name=record.name)
