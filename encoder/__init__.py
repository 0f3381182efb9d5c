"""Text to vectors: checkpoints on disk and the runtimes that serve them. Never imports torch."""

from molt.encoder.checkpoint import (
    Checkpoint,
    Fidelity,
    InputType,
    Pooling,
    Prompts,
    Variant,
    open_checkpoint,
    read_checkpoint,
)
from molt.encoder.encoder import Encoded, Encoder, open_encoder
from molt.encoder.errors import (
    ArchiveTooLargeError,
    CheckpointError,
    CheckpointExistsError,
    CheckpointNotFoundError,
    ClosedEncoderError,
    EncoderError,
    InvalidArchiveError,
    NoVariantError,
    UnfinishedCheckpointError,
    UnsafeCheckpointError,
)
from molt.encoder.lane import Lane
from molt.encoder.store import CheckpointStore

__all__ = [
    "ArchiveTooLargeError",
    "Checkpoint",
    "CheckpointError",
    "CheckpointExistsError",
    "CheckpointNotFoundError",
    "CheckpointStore",
    "ClosedEncoderError",
    "Encoded",
    "Encoder",
    "EncoderError",
    "Fidelity",
    "InputType",
    "InvalidArchiveError",
    "Lane",
    "NoVariantError",
    "Pooling",
    "Prompts",
    "UnfinishedCheckpointError",
    "UnsafeCheckpointError",
    "Variant",
    "open_checkpoint",
    "open_encoder",
    "read_checkpoint",
]
