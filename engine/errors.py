"""Why the engine cannot answer. Knows no HTTP: `errors.py` maps these."""


class EngineError(Exception):
    """Base of every error that the engine raises on purpose."""


class NoCheckpointError(EngineError):
    """The home has no checkpoint that could encode anything."""


class UnknownModelError(EngineError):
    """No checkpoint, collection or alias of that name."""


class InvalidDimensionsError(EngineError):
    """More dimensions are asked for than the encoder has."""


class UnavailableError(EngineError):
    """The collection exists but what would answer for it cannot be loaded, or is not yet.

    `retry_after` is in whole seconds: before that nothing will have changed.
    """

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after
