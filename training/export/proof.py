"""Proof: what each exported variant is worth here, measured against the model it came from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from molt.encoder import Checkpoint, Encoder, InputType, Lane, Variant
from molt.encoder.host import cores, fingerprint
from molt.encoder.runtimes.runtime import load_runtime
from molt.encoder.speed import measure_speeds
from molt.training.export.fidelity import ProbeVectors, measure_fidelity
from molt.training.export.probe import probe_set

_ROUNDS = 5


def prove(
    checkpoint: Checkpoint,
    candidates: Sequence[Variant],
    *,
    reference: ProbeVectors | None,
    cache: Path,
) -> list[Variant]:
    """The candidates with their fidelity to `reference` on the probe set and their speed here.

    Without a reference they are held to the first of them, as one that is known to be true.
    """
    found = {variant.name: _vectors(checkpoint, variant, cache) for variant in candidates}
    speeds = measure_speeds(checkpoint, candidates, cache=cache, rounds=_ROUNDS)
    host = fingerprint()
    return [
        replace(
            variant,
            fidelity=measure_fidelity(
                found[variant.name],
                reference=reference or found[candidates[0].name],
                answers=probe_set().answers,
            ),
            texts_per_second=round(speeds[variant.name], 1),
            host=host,
        )
        for variant in candidates
    ]


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
