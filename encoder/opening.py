"""Opening: a checkpoint to the encoder that serves it on this host.

Tries one variant after the other until one shows that it computes what it promises. Knows no
texts of users.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from molt.encoder.checkpoint import Checkpoint
from molt.encoder.encoder import Encoder
from molt.encoder.errors import NoVariantError
from molt.encoder.host import cores
from molt.encoder.kind import Capability
from molt.encoder.runtimes.runtime import load_runtime
from molt.encoder.safety.examination import check_encoder
from molt.encoder.safety.probe import require_sound
from molt.encoder.safety.reference import Reference
from molt.encoder.selection import AUTO, choose

log = logging.getLogger(__name__)

ENCODE_SECONDS = 10.0
"""How long one text may take, unless a setting says otherwise."""


def open_encoder(
    checkpoint: Checkpoint,
    *,
    cache: Path,
    runtime: str = AUTO,
    threads: int = 0,
    seconds: float = ENCODE_SECONDS,
) -> Encoder:
    """Load a checkpoint to serve on `threads` threads (0: one per core).

    `runtime` is the name of a variant, or "auto" for the fastest inside the quality budget on
    this host that a probe lets pass. `cache` is a directory that may be deleted at any time. What
    takes longer than `seconds` for a text is given up. Raises `NoVariantError`, also where texts
    turn out not to be encodable, and `MissingCapabilityError` where the model makes no vectors of
    texts.
    """
    checkpoint.require(Capability.EMBED)
    threads = threads or cores()
    failed: dict[str, NoVariantError] = {}
    while True:
        try:
            variant = choose(checkpoint, cache=cache, wanted=runtime, without=failed)
        except NoVariantError as error:
            raise next(iter(failed.values()), error) from None
        try:
            references = require_sound(checkpoint, variant, cache=cache)
            loaded = load_runtime(checkpoint, variant, threads=threads, cache=cache)
            encoder = Encoder(checkpoint, variant, runtime=loaded, threads=threads, seconds=seconds)
            return _checked(encoder, references)
        except NoVariantError as error:
            failed[variant.name] = error
            log.warning("refused to serve: %s", error)


def _checked(encoder: Encoder, references: Sequence[Reference]) -> Encoder:
    try:
        check_encoder(encoder, references)
    except BaseException:
        encoder.close()
        raise
    return encoder
