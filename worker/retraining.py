"""Retraining: the whole loop from a collection's data to a generation that serves.

Reads from top to bottom; each part is a step that is done once, whatever is killed meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molt.index.catalog.copies.excerpt import write_excerpt
from molt.index.catalog.releases import Reason
from molt.training.errors import TrainingError
from molt.training.uses import note_uses
from molt.worker.child import LEDGER, run_child
from molt.worker.context import JobContext
from molt.worker.events import JobEvents

_CATALOG = "catalog.sqlite3"
_CONFIG = "config.toml"
PROMOTIONS = ("gated", "never", "force")


@dataclass(frozen=True)
class Retraining:
    """One job of this kind: `options` may hold config, promote and reason."""

    context: JobContext
    job_id: str
    collection: str
    options: dict[str, Any]
    actor: str

    @property
    def promote(self) -> str:
        """`gated`, `never` or `force`."""
        return str(self.options.get("promote", "gated"))

    def prepare(self) -> dict[str, Any]:
        """Fix what the job works with: its data, its configuration, and what serves now.

        Raises `ConfigError`, and `TrainingError` for options that cannot be.
        """
        from molt.training.config import (  # noqa: PLC0415  needs the train extra, which may lack
            RetrainConfig,
            validated,
            write_config,
        )

        if self.promote not in PROMOTIONS:
            raise TrainingError(f"promote is one of {', '.join(PROMOTIONS)}, not {self.promote!r}")
        if self.promote == "force" and not self.options.get("reason"):
            raise TrainingError("promote: force needs a reason, which the release history keeps")
        config = validated(RetrainConfig, self.options.get("config") or {})
        folder = self.context.job_folder(self.job_id)
        url = write_excerpt(self.context.catalog, self.collection, folder / _CATALOG)
        write_config(config, folder / _CONFIG)
        baseline = self.context.active(self.collection)
        note_uses(folder, (baseline,))
        return {"catalog": url, "baseline": baseline}

    def train(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """Train and export; as `molt train`."""
        return self._child(
            "train", self.collection, "--base", prepared["baseline"], prepared=prepared
        )

    def judge(self, prepared: dict[str, Any], trained: dict[str, Any]) -> dict[str, Any]:
        """Evaluate the exported checkpoint next to the active one, and let the gate decide.

        That spends a part of what the test split's account holds, unless it is promoted anyway.
        """
        ledger = {} if self.promote == "force" else {LEDGER: self.context.settings.catalog}
        return self._child(
            "judge",
            self.collection,
            "--candidate",
            trained["checkpoint"],
            "--baseline",
            prepared["baseline"],
            prepared=prepared,
            environment=ledger,
        )

    def tune(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """Search for the best configuration; as `molt tune`."""
        trials = str(self.options.get("trials", 20))
        base = prepared["baseline"]
        return self._child(
            "tune", self.collection, "--base", base, "--trials", trials, prepared=prepared
        )

    def tune_search(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """Tune how what serves ranks, by the judged queries of dev."""
        return self._child("tune-search", self.collection, prepared=prepared)

    def refusal(self, trained: dict[str, Any], judged: dict[str, Any] | None) -> list[str]:
        """Why nothing is promoted; nothing where it is."""
        if judged is None:
            return [str(trained["reason"])]
        if self.promote == "never":
            return ["promote is never"]
        if self.promote == "force" or judged["decision"]["accepted"]:
            return []
        return list(judged["decision"]["reasons"])

    def reason(self, judged: dict[str, Any]) -> Reason:
        """What the release history keeps."""
        text, why = f"retrain, job {self.job_id}", self.options.get("reason")
        if self.promote == "force" and not judged["decision"]["accepted"]:
            text += ", forced"
        if why is not None:
            text += f": {why}"
        return Reason(self.actor, text, judged["report"])

    def _child(
        self,
        *arguments: str,
        prepared: dict[str, Any],
        environment: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        events = JobEvents()
        folder = self.context.job_folder(self.job_id)
        home = ("--home", str(self.context.home.root))
        config = ("--config", str(folder / _CONFIG), "--catalog", prepared["catalog"])
        return run_child(
            (*arguments, *home, *config),
            watch=events.pass_on,
            check=events.check,
            environment=environment,
        )
