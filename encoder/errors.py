"""What can go wrong in the encoder part. Messages say what to do; none of them knows HTTP."""

from pathlib import Path

from molt.artifact import ForeseenError


class EncoderError(ForeseenError):
    """Base of every error that the encoder part raises on purpose."""


class CheckpointError(EncoderError):
    """A checkpoint cannot be read, written or served."""


class CheckpointNotFoundError(CheckpointError):
    """No checkpoint of that id on disk."""


class CheckpointExistsError(CheckpointError):
    """A checkpoint of that id is already in the store."""


class UnsafeCheckpointError(CheckpointError):
    """A directory holds something that a checkpoint must not hold; nothing of it was loaded."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class UnfinishedCheckpointError(CheckpointError):
    """A directory without a manifest: perhaps a model that a checkpoint can be made of."""


class InvalidArchiveError(CheckpointError):
    """An archive that cannot be unpacked, or will not be; nothing of it is kept."""


class ArchiveTooLargeError(InvalidArchiveError):
    """An archive that would take more space than it may."""


class NoVariantError(EncoderError):
    """No runtime variant of a checkpoint can be served here."""


class DefectiveCheckpointError(EncoderError):
    """A checkpoint fails at a text that it should encode; the message names it."""


class UnreadableTextError(DefectiveCheckpointError):
    """A checkpoint's tokenizer fails at a text, which is not quoted."""


class HangingCheckpointError(DefectiveCheckpointError):
    """A checkpoint does not come to an end with a text; no more is begun until it does."""


class UnsoundVectorsError(DefectiveCheckpointError):
    """An encoder makes vectors that no ranking can rest on: not finite, or not normalised."""


class UnsoundScoresError(DefectiveCheckpointError):
    """A cross-encoder makes scores that are not finite numbers."""


class MissingCapabilityError(EncoderError):
    """A checkpoint cannot do what was asked of it; the message says what to do."""


class ClosedEncoderError(EncoderError):
    """The encoder was closed; open another one."""


class AbandonedError(EncoderError):
    """Nobody waits for this work any more; what was not begun of it never is."""

    def __init__(self) -> None:
        super().__init__("nobody waits for this any more")
