"""What can go wrong while checkpoints are made. Messages say what to do."""


class TrainingError(Exception):
    """Base of every error that the training program raises on purpose."""


class SourceError(TrainingError):
    """A model that no checkpoint can be made from."""


class ExportError(TrainingError):
    """An exported graph that does not do what the model does."""
