"""The child: opens one variant of a checkpoint where nothing else comes to harm, and examines it.

    python -m molt.encoder.safety.child CHECKPOINT VARIANT CACHE SECONDS

Prints what it found as JSON. It may crash, hang or fill the memory: whoever started it watches it.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from molt.encoder.checkpoint import Checkpoint, Variant, read_checkpoint
from molt.encoder.cross_encoding.cross_encoder import CrossEncoder
from molt.encoder.encoder import Encoder
from molt.encoder.errors import EncoderError
from molt.encoder.host import cores
from molt.encoder.kind import ModelKind
from molt.encoder.runtimes.runtime import load_runtime, plain_variant
from molt.encoder.safety.confinement import confine
from molt.encoder.safety.examination import check_encoder, compare_with_weights, examine
from molt.encoder.safety.pair_examination import (
    check_cross_encoder,
    compare_scores_with_weights,
    examine_cross_encoder,
)
from molt.encoder.safety.reference import REFERENCE_TEXTS, Reference, make_reference
from molt.encoder.safety.text_rules import replaced_texts


def main(arguments: Sequence[str]) -> None:
    """Confine this process, examine, and say what was found."""
    path, name, cache, seconds = arguments
    confine(int(seconds))
    checkpoint = read_checkpoint(Path(path))
    (variant,) = (each for each in checkpoint.variants if each.name == name)
    try:
        references = _examined(checkpoint, variant, cache=Path(cache))
    except EncoderError as error:
        print(json.dumps({"refused": str(error)}))  # noqa: T201  the answer
    else:
        print(json.dumps({"references": list(map(asdict, references))}))  # noqa: T201


def _examined(checkpoint: Checkpoint, variant: Variant, *, cache: Path) -> tuple[Reference, ...]:
    """What any runtime of the checkpoint has to give. Raises `EncoderError`."""
    runtime = load_runtime(checkpoint, variant, threads=cores(), cache=cache)
    if checkpoint.kind is ModelKind.CROSS_ENCODER:
        scorer = CrossEncoder(checkpoint, variant, runtime=runtime, threads=1)
        with closing(scorer):
            return _examined_pairs(scorer)
    encoder = Encoder(checkpoint, variant, runtime=runtime, threads=1)
    with closing(encoder):
        compare_with_weights(encoder)
        references = checkpoint.references or _made(checkpoint, variant, encoder)
        check_encoder(encoder, references)
        examine(encoder, searched=replaced_texts(checkpoint.path / "tokenizer.json"))
    return references


def _examined_pairs(scorer: CrossEncoder) -> tuple[Reference, ...]:
    """The same of a cross-encoder."""
    compare_scores_with_weights(scorer)
    checkpoint = scorer.checkpoint
    check_cross_encoder(scorer, checkpoint.references)
    searched = replaced_texts(checkpoint.path / "tokenizer.json")
    examine_cross_encoder(scorer, searched=searched)
    return checkpoint.references


def _made(checkpoint: Checkpoint, variant: Variant, encoder: Encoder) -> tuple[Reference, ...]:
    """What the truest graph makes of the reference texts, where the manifest records nothing."""
    plain = plain_variant(checkpoint, variant)
    if plain == variant:
        return _encoded(encoder)
    runtime = load_runtime(checkpoint, plain, threads=1, cache=Path())
    with closing(Encoder(checkpoint, plain, runtime=runtime, threads=1)) as truest:
        return _encoded(truest)


def _encoded(encoder: Encoder) -> tuple[Reference, ...]:
    return tuple(map(make_reference, REFERENCE_TEXTS, encoder.embed_documents(REFERENCE_TEXTS)))


if __name__ == "__main__":
    main(sys.argv[1:])
