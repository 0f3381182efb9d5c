"""What can go wrong while checkpoints are made. Messages say what to do."""

from molt.artifact import ForeseenError


class TrainingError(ForeseenError):
    """Base of every error that the training program raises on purpose."""


class ModelSourceError(TrainingError):
    """A model that no checkpoint can be made from."""


class ExportError(TrainingError):
    """An exported graph that does not do what the model does."""


class EvaluationError(TrainingError):
    """Checkpoints that cannot be compared, or a report that cannot be written or read."""


class FitError(TrainingError):
    """A configuration or a machine that an encoder cannot be fitted with."""


class DataError(TrainingError):
    """Relevance data that nothing can be learnt from or judged by; says what to bring."""


class LeakageError(DataError):
    """A query of one split is, or nearly is, a query of another."""
