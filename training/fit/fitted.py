"""What comes of a run, and where it lies."""

import json
from dataclasses import dataclass
from pathlib import Path

from molt.training.evaluation.report import Curves

_MODEL = "model"
_EXPORTED = "checkpoint"
_REFUSED = "refused"


@dataclass(frozen=True)
class Fitted:
    """What came of a run: dev nDCG@10 of the base and of each epoch, and the best epoch (from 1).

    Where no epoch beat the base, `best_epoch` is 0 and there is no model. `losses` by step are of
    all that is learnt; `late_interaction` the part that is its term's, where there is one.
    """

    base_ndcg10: float
    ndcg10: tuple[float, ...]
    best_epoch: int
    losses: tuple[tuple[int, float], ...]
    examples: int
    seconds: float
    late_interaction: tuple[tuple[int, float], ...] = ()

    @property
    def improved(self) -> bool:
        """Whether there is a model that is better than the base on dev."""
        return self.best_epoch > 0

    @property
    def curves(self) -> Curves:
        """How the loss fell, and how dev was ranked by the base and after each epoch."""
        dev = (self.base_ndcg10, *self.ndcg10)
        return Curves(
            loss=self.losses, dev=tuple(enumerate(dev)), late_interaction=self.late_interaction
        )


@dataclass(frozen=True)
class RunFolder:
    """Where a run keeps what is its own, and a cache of vectors shared with others."""

    folder: Path
    cache: Path

    @property
    def model(self) -> Path:
        """The best epoch's model, as sentence-transformers saves one."""
        return self.folder / _MODEL

    @property
    def exported(self) -> Path:
        """The id of the checkpoint that was made of that model."""
        return self.folder / _EXPORTED

    @property
    def refused(self) -> Path:
        """Why that checkpoint was not handed out, where it was not."""
        return self.folder / _REFUSED


def read_fitted(path: Path) -> Fitted:
    """What `fit` wrote."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept["ndcg10"] = tuple(kept["ndcg10"])
    for name in ("losses", "late_interaction"):
        kept[name] = tuple((step, loss) for step, loss in kept.get(name, ()))
    return Fitted(**kept)
