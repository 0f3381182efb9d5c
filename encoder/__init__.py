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
from molt.encoder.encoder import Encoded, Encoder, TokenVectors
from molt.encoder.errors import (
    ArchiveTooLargeError,
    CheckpointError,
    CheckpointExistsError,
    CheckpointNotFoundError,
    ClosedEncoderError,
    EncoderError,
    InvalidArchiveError,
    MissingCapabilityError,
    NoVariantError,
    UnfinishedCheckpointError,
    UnsafeCheckpointError,
)
from molt.encoder.kind import Capability, ModelKind
from molt.encoder.opening import open_encoder
from molt.encoder.scheduling.lane import Lane
from molt.encoder.store import CheckpointStore

__all__ = [
    "ArchiveTooLargeError",
    "Capability",
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
    "MissingCapabilityError",
    "ModelKind",
    "NoVariantError",
    "Pooling",
    "Prompts",
    "TokenVectors",
    "UnfinishedCheckpointError",
    "UnsafeCheckpointError",
    "Variant",
    "open_checkpoint",
    "open_encoder",
    "read_checkpoint",
]
