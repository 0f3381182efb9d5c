"""Proof: what each exported variant is worth here, measured against the model it came from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molt.encoder import Checkpoint, CrossEncoder, Encoder, InputType, Lane, Variant
from molt.encoder.errors import UnsoundScoresError
from molt.encoder.host import cores, fingerprint
from molt.encoder.runtimes.runtime import load_runtime
from molt.encoder.speed import measure_speeds
from molt.training.export.fidelity import ProbeVectors, measure_fidelity, measure_pair_fidelity
from molt.training.export.probe import probe_pairs, probe_set

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


def prove_pairs(
    checkpoint: Checkpoint,
    candidates: Sequence[Variant],
    *,
    reference: NDArray[np.float32],
    cache: Path,
) -> list[Variant]:
    """The same for a cross-encoder; `reference` is what the model makes of the probe's pairs."""
    speeds = measure_speeds(checkpoint, candidates, cache=cache, rounds=_ROUNDS)
    return [
        replace(
            variant,
            fidelity=measure_pair_fidelity(
                _scores(checkpoint, variant, cache),
                reference=reference,
                answers=[answer for _, _, answer in probe_pairs()],
            ),
            texts_per_second=round(speeds[variant.name], 1),
            host=fingerprint(),
        )
        for variant in candidates
    ]


def _scores(checkpoint: Checkpoint, variant: Variant, cache: Path) -> NDArray[np.float32]:
    """Scores `(queries, texts)` of the probe's pairs; where the graph gives none, NaN."""
    runtime = load_runtime(checkpoint, variant, threads=cores(), cache=cache)
    scorer = CrossEncoder(checkpoint, variant, runtime=runtime, threads=cores())
    try:
        return np.stack(
            [
                scorer.score(query, texts, lane=Lane.INTERACTIVE).logits
                for query, texts, _ in probe_pairs()
            ]
        )
    except UnsoundScoresError:
        return np.full((len(probe_pairs()), len(probe_pairs()[0][1])), np.nan, np.float32)
    finally:
        scorer.close()


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
