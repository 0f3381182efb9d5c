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
    """The collection exists but what would answer for it cannot be loaded."""


class BackupError(EngineError):
    """A backup cannot be made, found or restored."""
