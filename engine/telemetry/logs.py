"""Logs: one line on standard error for each thing that happened, as JSON or for a human.

What libraries say through `logging` is formatted by structlog too.
"""

import logging
import sys
from contextlib import suppress
from typing import IO, Any, BinaryIO, TextIO, cast

import orjson
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from molt.artifact.tracing import span_ids
from molt.engine.sections import LogSettings

_QUIET = ("uvicorn.access", "uvicorn.error", "alembic", "sqlalchemy", "asyncio", "httpx")


def configure_logs(settings: LogSettings) -> None:
    """Set up logging for this process; `auto` writes for people where a terminal is there."""
    if settings.format == "auto":
        chosen = "console" if sys.stderr.isatty() else "json"
        settings = settings.model_copy(update={"format": chosen})
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    structlog.configure(
        processors=[*_SHARED, *_renderers(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_factory(settings),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        handlers=[_of_libraries(settings)], level=max(level, logging.WARNING), force=True
    )
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _traced(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Within which span it was said, where there are spans."""
    event.update(span_ids())
    return event


_SHARED: tuple[Processor, ...] = (
    structlog.processors.add_log_level,
    _traced,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_EXCEPTIONS = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))


def _renderers(settings: LogSettings) -> tuple[Processor, ...]:
    if settings.format == "console":
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty()
        return (structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain),)
    return (_EXCEPTIONS, structlog.processors.JSONRenderer(serializer=_serialise))


def _of_libraries(settings: LogSettings) -> logging.Handler:
    """Writes what libraries say in the same form."""
    renderers = _renderers(settings)
    if settings.format != "console":
        renderers += (_as_text,)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, _named],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    return handler


def _named(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event["name"] = event["_record"].name
    return event


def _as_text(_logger: Any, _method: str, line: Any) -> str:
    """What `logging` writes, where our own loggers write bytes."""
    return str(line, "utf-8")


def _factory(settings: LogSettings) -> Any:
    if settings.format == "console":
        return structlog.WriteLoggerFactory(file=cast("TextIO", _Unfailing(sys.stderr)))
    return structlog.BytesLoggerFactory(file=cast("BinaryIO", _Unfailing(sys.stderr.buffer)))


class _Unfailing:
    """A stream that drops what cannot be written: its disk is full, or nobody reads it any more.

    What a log tells of must not fail because it cannot be told.
    """

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream

    def write(self, line: Any) -> None:
        with suppress(OSError):
            self._stream.write(line)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _serialise(event: Any, **_: object) -> bytes:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS)
