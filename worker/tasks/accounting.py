"""Accounting: what is judged for the gate is spent from the account of its test split."""

from contextlib import closing
from dataclasses import dataclass, replace

from molt.artifact import faultpoint
from molt.index.catalog.catalog import open_catalog
from molt.training.config import RetrainConfig
from molt.training.evaluation.evaluate import Contenders
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.report import EvaluationPlan, Report, SplitReuse
from molt.training.spending import spend, tell_outcome


@dataclass(frozen=True)
class Gating:
    """What is measured for the gate: by `config`, and on account in the catalog at `ledger`.

    Without a ledger nothing is spent, and the level is `gate.alpha`.
    """

    config: RetrainConfig
    ledger: str | None = None

    def plan(
        self, plan: EvaluationPlan, trial: Trial, contenders: Contenders
    ) -> tuple[EvaluationPlan, SplitReuse | None]:
        """How to judge what was measured by `plan`, at the level that the account has for it.

        What is compared with itself spends nothing. Raises `CollectionNotFoundError`.
        """
        (candidate, *_), baseline = contenders.candidates, contenders.baseline
        if self.ledger is None or baseline is None or baseline.id == candidate.id:
            return plan, None
        with closing(open_catalog(self.ledger)) as catalog:
            reuse = spend(
                catalog,
                trial.collection,
                trial.split,
                candidate=candidate.id,
                baseline=baseline.id,
                config=self.config.gate,
            )
        faultpoint("attempt.spent")
        return replace(self.config.plan_at(reuse.level), mode=plan.mode), reuse

    def tell(self, report: Report) -> None:
        """Write down what came of it, which says what the next one may spend.

        Raises `CollectionNotFoundError`.
        """
        if self.ledger is not None:
            with closing(open_catalog(self.ledger)) as catalog:
                tell_outcome(catalog, report)
