"""Why the engine cannot answer. Knows no HTTP: `errors.py` maps these."""

from molt.artifact import ForeseenError


class EngineError(ForeseenError):
    """Base of every error that the engine raises on purpose."""


class NoCheckpointError(EngineError):
    """The home has no checkpoint that could encode anything."""


class UnknownModelError(EngineError):
    """No checkpoint, collection or alias of that name; `part` of a request has it."""

    part = "model"


class AliasError(EngineError):
    """A name that no alias of a model can have, or that is not to be changed here."""


class EncodersBusyError(EngineError):
    """As many encoders are in use for requests as may be; `retry_after` is in whole seconds."""

    def __init__(self, *, max_open: int, retry_after: int) -> None:
        super().__init__(
            f"{max_open} other encoders are in use, and the setting encoder.max_open allows no "
            f"more; try again in {retry_after} s"
        )
        self.retry_after = retry_after


class NoCrossEncoderError(EngineError):
    """A collection has no cross-encoder to re-rank by; the message says how to train one."""


class InvalidDimensionsError(EngineError):
    """More dimensions are asked for than the encoder has."""


class UnavailableError(EngineError):
    """The collection exists but what would answer for it cannot be loaded, or is not yet.

    `retry_after` is in whole seconds: before that nothing will have changed.
    """

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CrossEncoderUnavailableError(UnavailableError):
    """A cross-encoder that a search asks for cannot be loaded, or fails."""


class DocumentNotIndexedError(EngineError):
    """A document is kept, and no search finds it: not yet, or not with what serves."""


class CursorError(EngineError):
    """A cursor that no answer gave, or that another search did."""


class StaleCursorError(CursorError):
    """A cursor whose page was ranked by another encoder than the one that now answers."""


class BackupError(EngineError):
    """A backup cannot be made, found or restored."""
