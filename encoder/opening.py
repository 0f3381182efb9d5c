"""Opening: a checkpoint to the encoder or cross-encoder that serves it on this host.

Tries one variant after the other until one shows that it computes what it promises. Knows no
texts of users.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from molt.encoder.checkpoint import Checkpoint, Variant
from molt.encoder.cross_encoding.cross_encoder import CrossEncoder
from molt.encoder.encoder import Encoder
from molt.encoder.errors import NoVariantError
from molt.encoder.host import cores
from molt.encoder.kind import Capability
from molt.encoder.runtimes.runtime import Runtime, load_runtime
from molt.encoder.safety.examination import check_encoder
from molt.encoder.safety.pair_examination import check_cross_encoder
from molt.encoder.safety.probe import require_sound
from molt.encoder.safety.reference import Reference
from molt.encoder.selection import AUTO, choose

log = logging.getLogger(__name__)

_Opened = TypeVar("_Opened", Encoder, CrossEncoder)
_Opened_co = TypeVar("_Opened_co", covariant=True)

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
    opening = _Opening(checkpoint, cache=cache, runtime=runtime, threads=threads, seconds=seconds)
    return opening.first_sound(Encoder, check_encoder)


def open_cross_encoder(
    checkpoint: Checkpoint,
    *,
    cache: Path,
    runtime: str = AUTO,
    threads: int = 0,
    seconds: float = ENCODE_SECONDS,
) -> CrossEncoder:
    """Load a checkpoint that scores pairs; as `open_encoder`.

    Raises `MissingCapabilityError` where the model scores none.
    """
    checkpoint.require(Capability.RERANK)
    wanted = runtime if runtime in {one.name for one in checkpoint.variants} else AUTO
    opening = _Opening(checkpoint, cache=cache, runtime=wanted, threads=threads, seconds=seconds)
    return opening.first_sound(CrossEncoder, check_cross_encoder)


class _Make(Protocol[_Opened_co]):
    """What loads a variant: `Encoder` or `CrossEncoder`."""

    def __call__(
        self,
        checkpoint: Checkpoint,
        variant: Variant,
        *,
        runtime: Runtime,
        threads: int,
        seconds: float,
    ) -> _Opened_co: ...


@dataclass(frozen=True)
class _Opening:
    """What `open_encoder` was told."""

    checkpoint: Checkpoint
    cache: Path
    runtime: str
    threads: int
    seconds: float

    def first_sound(
        self, make: _Make[_Opened], check: Callable[[_Opened, Sequence[Reference]], None]
    ) -> _Opened:
        """The fastest variant that passes every check, loaded."""
        failed: dict[str, NoVariantError] = {}
        while True:
            try:
                variant = choose(
                    self.checkpoint, cache=self.cache, wanted=self.runtime, without=failed
                )
            except NoVariantError as error:
                raise next(iter(failed.values()), error) from None
            try:
                return self._checked(variant, make, check)
            except NoVariantError as error:
                failed[variant.name] = error
                log.warning("refused to serve: %s", error)

    def _checked(
        self,
        variant: Variant,
        make: _Make[_Opened],
        check: Callable[[_Opened, Sequence[Reference]], None],
    ) -> _Opened:
        threads = self.threads or cores()
        references = require_sound(self.checkpoint, variant, cache=self.cache)
        runtime = load_runtime(self.checkpoint, variant, threads=threads, cache=self.cache)
        opened = make(
            self.checkpoint, variant, runtime=runtime, threads=threads, seconds=self.seconds
        )
        try:
            check(opened, references)
        except BaseException:
            opened.close()
            raise
        return opened
