"""Concluding: what the clicks on interleaved answers say, and what follows from it."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog

from molt.artifact import ArtifactError
from molt.encoder.errors import EncoderError
from molt.engine.releasing import Releaser
from molt.engine.sections import ExperimentSettings
from molt.engine.watch.experiments.evidence import read_evidence, weighed
from molt.engine.watch.experiments.interleaving import credit_of
from molt.engine.watch.experiments.planning import compares_generations
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.judging.experiments.experiment import Experiment
from molt.index.catalog.judging.experiments.impressions import ClickedImpression, Weigh
from molt.index.catalog.releases import Reason
from molt.index.errors import (
    ExperimentNotFoundError,
    GenerationBusyError,
    IndexingError,
    StalePointerError,
)

log = structlog.get_logger(__name__)

JUDGE = "experiment"
"""Who ends experiments and takes generations back because of them, in their histories."""


def weigh_clicks(level: float) -> Weigh:
    """Weighs clicked impressions at an error level; an answer without a click says nothing."""

    def weigh(
        described: Mapping[str, Any], clicked: Sequence[ClickedImpression]
    ) -> tuple[Mapping[str, Any], str | None]:
        found = (credit_of(one.credits, one.clicked) for one in clicked if one.has_click)
        evidence, better = weighed(read_evidence(described), found, level=level)
        return evidence.describe(), better

    return weigh


class Concluder:
    """Ends experiments. `on_rollback` is called with the name of a collection that it took back."""

    def __init__(
        self, settings: ExperimentSettings, *, catalog: Catalog, releaser: Releaser
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._releaser = releaser
        self.on_rollback: Callable[[str], None] = _uncounted

    def conclude(self, experiment: Experiment, collection: Collection) -> None:
        """Do what follows from an outcome, then end the experiment; tried again while busy."""
        evidence, better = read_evidence(experiment.evidence), experiment.better
        e_value = math.exp(min(evidence.log_e("a" if better == "a" else "b"), 700.0))
        why = (
            f"arm {better} ({experiment.winner}) does better: {evidence.counted} queries with "
            f"clicks, e-value {e_value:.3g} at level {experiment.plan.level:g}"
        )
        if not self._is_rollback(experiment, collection):
            self.end(experiment, why)
            return
        target = str(experiment.winner and experiment.winner.generation)
        reason = Reason(JUDGE, f"rolled back: experiment {experiment.number}: {why}")
        try:
            self._releaser.activate(target, reason=reason, epoch_expected=collection.epoch)
        except GenerationBusyError as error:  # the next look tries again
            log.warning("experiment.waiting", collection=collection.name, reason=str(error))
        except StalePointerError:
            return  # somebody was faster; the next look sees what serves now
        except (IndexingError, ArtifactError, EncoderError, OSError) as error:
            log.error("experiment.failed", collection=collection.name, reason=str(error))  # noqa: TRY400
            self.end(experiment, f"{why}; not rolled back: {error}")
        else:
            self.end(experiment, f"{why}; rolled back to {target}")
            self.on_rollback(collection.name)

    def end(self, experiment: Experiment, reason: str) -> None:
        """End an experiment, unless somebody else has done so."""
        name, number = experiment.collection, experiment.number
        with suppress(ExperimentNotFoundError):
            self._catalog.experiments.end(
                name, actor=JUDGE, reason=reason, number=number, states=(experiment.state,)
            )
            log.info("experiment.ended", collection=name, number=number, reason=reason)

    def _is_rollback(self, experiment: Experiment, collection: Collection) -> bool:
        """Was what serves shown to be worse than a generation that is otherwise asked alike?

        Not where the pointer was moved since the experiment began: that was somebody's decision.
        """
        loser = experiment.loser
        if not self._settings.rollback or not compares_generations(experiment.plan):
            return False
        if loser is None or loser.generation != collection.generation:
            return False
        moves = self._catalog.collections.releases(collection.name, limit=1)
        return not any(move.at > experiment.started_at for move in moves)


def _uncounted(name: str) -> None:
    """What becomes of a rollback that nobody counts."""
