"""Proof: what each exported variant is worth here, measured against the model it came from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from molt.encoder import Checkpoint, Encoder, InputType, Lane, Variant
from molt.encoder.host import cores, fingerprint
from molt.encoder.runtimes.runtime import load_runtime
from molt.encoder.safety.reference import REFERENCE_TEXTS, Reference, make_reference
from molt.encoder.speed import measure_speeds
from molt.encoder.tokenizer import Tokenizer
from molt.training.export.fidelity import ProbeVectors, measure_fidelity
from molt.training.export.probe import probe_set

_ROUNDS = 5


def prove(
    checkpoint: Checkpoint,
    candidates: Sequence[Variant],
    *,
    model: SentenceTransformer,
    cache: Path,
) -> list[Variant]:
    """The candidates with their fidelity to `model` on the probe set and their speed here."""
    reference = ProbeVectors(
        queries=_reference(model, probe_set().queries, InputType.QUERY),
        documents=_reference(model, probe_set().documents, InputType.DOCUMENT),
    )
    speeds = _speeds(checkpoint, candidates, cache)
    host = fingerprint()
    return [
        replace(
            variant,
            fidelity=measure_fidelity(
                _vectors(checkpoint, variant, cache),
                reference=reference,
                answers=probe_set().answers,
            ),
            texts_per_second=round(speeds[variant.name], 1),
            host=host,
        )
        for variant in candidates
    ]


def references_of(model: SentenceTransformer) -> tuple[Reference, ...]:
    """What `model` makes of the reference texts, which every runtime will be held to."""
    vectors = _reference(model, REFERENCE_TEXTS, InputType.DOCUMENT)
    return tuple(map(make_reference, REFERENCE_TEXTS, vectors))


def _reference(
    model: SentenceTransformer, texts: Sequence[str], input_type: InputType
) -> NDArray[np.float32]:
    vectors = model.encode(list(texts), prompt_name=input_type)
    return np.asarray(vectors, dtype=np.float32)


def _vectors(checkpoint: Checkpoint, variant: Variant, cache: Path) -> ProbeVectors:
    runtime = load_runtime(checkpoint, variant, threads=cores(), cache=cache)
    encoder = Encoder(checkpoint, variant, runtime=runtime, threads=cores())
    try:
        queries, documents = (
            encoder.encode(texts, input_type=input_type, lane=Lane.INTERACTIVE).vectors
            for texts, input_type in (
                (probe_set().queries, InputType.QUERY),
                (probe_set().documents, InputType.DOCUMENT),
            )
        )
    finally:
        encoder.close()
    return ProbeVectors(queries=queries, documents=documents)


def _speeds(checkpoint: Checkpoint, candidates: Sequence[Variant], cache: Path) -> dict[str, float]:
    tokenizer = Tokenizer(checkpoint.path / "tokenizer.json", max_length=checkpoint.max_length)
    runtimes = {
        variant.name: load_runtime(checkpoint, variant, threads=1, cache=cache)
        for variant in candidates
    }
    return measure_speeds(
        runtimes,
        vocabulary=tokenizer.vocabulary,
        max_length=checkpoint.max_length,
        rounds=_ROUNDS,
    )
