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
    CheckpointError,
    CheckpointExistsError,
    CheckpointNotFoundError,
    ClosedEncoderError,
    EncoderError,
    NoVariantError,
    UnsafeCheckpointError,
)
from molt.encoder.lane import Lane
from molt.encoder.store import CheckpointStore

__all__ = [
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
    "Lane",
    "NoVariantError",
    "Pooling",
    "Prompts",
    "UnsafeCheckpointError",
    "Variant",
    "open_checkpoint",
    "open_encoder",
    "read_checkpoint",
]
