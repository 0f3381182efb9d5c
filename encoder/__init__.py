"""Text to vectors: checkpoints on disk and the runtimes that serve them. Never imports torch."""

from molt.encoder.checkpoint import (
    Checkpoint,
    InputType,
    Pooling,
    Prompts,
    Variant,
    open_checkpoint,
    read_checkpoint,
)
from molt.encoder.cross_encoding.cross_encoder import CrossEncoder, PairScores
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
from molt.encoder.opening import open_cross_encoder, open_encoder
from molt.encoder.safety.fidelity import Fidelity, PairFidelity
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
    "CrossEncoder",
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
    "PairFidelity",
    "PairScores",
    "Pooling",
    "Prompts",
    "TokenVectors",
    "UnfinishedCheckpointError",
    "UnsafeCheckpointError",
    "Variant",
    "open_checkpoint",
    "open_cross_encoder",
    "open_encoder",
    "read_checkpoint",
]
