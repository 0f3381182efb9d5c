"""What `python -m molt.training` does: each command from a home to an outcome in plain values.

Reads no arguments and prints nothing but events. What loads torch is imported by the command that
needs it.
"""

# ruff: noqa: PLC0415

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molt.artifact import faultpoint
from molt.encoder import CheckpointStore
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.training.errors import TrainingError

if TYPE_CHECKING:
    from molt.training.fit.progress import Event


@dataclass(frozen=True)
class Place:
    """A home, and the catalog to read: its own unless another is named."""

    home: Path
    catalog_url: str | None = None

    @property
    def checkpoints(self) -> CheckpointStore:
        """The checkpoints of the home."""
        return CheckpointStore(self.home / "checkpoints")

    @contextmanager
    def catalog(self) -> Iterator[Catalog]:
        """The catalog, for as long as the block lasts."""
        with closing(open_catalog(self.catalog_url or home_url(self.home))) as catalog:
            yield catalog


def make_default(place: Place) -> str:
    """Make the built-in checkpoint; its id."""
    from molt.training.export.default import make_default as make

    return make(place.checkpoints).id


def add(place: Place, source: str, *, name: str | None) -> dict[str, Any]:
    """Make a checkpoint of a model, which goes by `name`."""
    from molt.training.export.checkpoints import Provenance, make_checkpoint

    origin = Provenance(base_model=name or source)
    return {"checkpoint": make_checkpoint(source, store=place.checkpoints, provenance=origin).id}


def train(
    place: Place, collection: str, *, base: str | None, config: Path | None, settings: Sequence[str]
) -> dict[str, Any]:
    """As `molt train`. Raises `TrainingError` where no checkpoint is named and none is active."""
    from molt.index.generations.active import active_checkpoint
    from molt.index.generations.generation import GenerationStore
    from molt.training.config import RetrainConfig, read_as
    from molt.training.evaluation.store import ReportStore
    from molt.training.material import prepare_collection, with_base
    from molt.training.run import Places
    from molt.training.run import train as run

    chosen = read_as(RetrainConfig, config, settings=settings).training
    with place.catalog() as catalog:
        prepared = prepare_collection(catalog, collection, config=chosen.data)
        generations = GenerationStore(place.home / "generations")
        known = base or active_checkpoint(catalog, generations, collection)
    if known is None:
        raise TrainingError("the home has no default checkpoint; name one with --base")
    faultpoint("train.begun")
    outcome = run(
        with_base(prepared, place.checkpoints.open(known)),
        config=chosen,
        store=place.checkpoints,
        places=Places(place.home / "runs", place.home / "cache"),
        watch=_watch,
    )
    found: dict[str, Any] = {
        "run": outcome.run_id,
        "checkpoint": outcome.checkpoint.id,
        "improved": outcome.improved,
        "reason": outcome.reason,
        "dev": {"base": outcome.fitted.base_ndcg10, "epochs": list(outcome.fitted.ndcg10)},
        "report": None,
    }
    if outcome.report is not None:
        found["report"] = str(ReportStore(place.home / "reports").publish(outcome.report))
    return found


def tune(
    place: Place, collection: str, *, base: str, config: Path | None, trials: int
) -> dict[str, Any]:
    """As `molt tune`; the configuration as nested values."""
    from molt.training.config import RetrainConfig, read_as
    from molt.training.material import prepare_collection, with_base
    from molt.training.run import Places
    from molt.training.tuning.study import tune as study

    chosen = read_as(RetrainConfig, config).training
    with place.catalog() as catalog:
        prepared = prepare_collection(catalog, collection, config=chosen.data)
    tuned = study(
        with_base(prepared, place.checkpoints.open(base)),
        config=chosen,
        trials=trials,
        places=Places(place.home / "runs", place.home / "cache"),
        watch=_watch,
    )
    return {
        "config": tuned.config.model_dump(mode="json", exclude_none=True),
        "ndcg10": tuned.ndcg10,
        "base_ndcg10": tuned.base_ndcg10,
        "trials": tuned.trials,
        "stopped": tuned.stopped,
    }


def judge(
    place: Place, collection: str, *, candidate: str, baseline: str, config: Path | None
) -> dict[str, Any]:
    """Evaluate a candidate on test next to the checkpoint that serves, and let the gate decide.

    Test is what it was when the candidate was trained, whatever `config` says of data.
    """
    from molt.training.config import RetrainConfig, read_as
    from molt.training.data.split_name import SplitName
    from molt.training.evaluation.evaluate import Contenders, evaluate
    from molt.training.evaluation.store import ReportStore
    from molt.training.gate import decide
    from molt.training.material import data_configs, overlaps, prepare_collection

    chosen = read_as(RetrainConfig, config)
    store = place.checkpoints
    judged, serving = store.open(candidate), store.open(baseline)
    configs = data_configs(collection, [judged, serving], otherwise=chosen.data)
    with place.catalog() as catalog:
        prepared = prepare_collection(catalog, collection, config=next(iter(configs)))
    report = evaluate(
        prepared.trial(SplitName.TEST),
        contenders=Contenders([judged], baseline=serving),
        plan=chosen.plan,
        cache=place.home / "cache",
        progress=lambda stage, done, total: tell({"stage": stage, "step": done, "steps": total}),
    )
    faultpoint("evaluation.measured")
    ReportStore(place.home / "reports").publish(report)
    faultpoint("report.published")
    decision = decide(report, config=chosen.gate).to_json()
    return {"report": report.id, "decision": decision, "notes": overlaps(configs)}


def tell(event: dict[str, Any]) -> None:
    """Print an event for whoever watches."""
    print(json.dumps(event), file=sys.stderr, flush=True)  # noqa: T201


def _watch(event: "Event") -> None:
    tell(event.fields())
