"""The pair learner: a cross-encoder as it is fitted, computing pairs of like length together.

It starts from a bi-encoder's weights with a new head of one logit, and reads pairs as they will be
read when it serves.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molt.encoder import Checkpoint
from molt.encoder.tokenizer import Tokenizer
from molt.encoder.tokens import PairIds
from molt.training.export.pair_graph import classifier_of, load_cross_encoder
from molt.training.fit.hardware import Hardware
from molt.training.fit.layers import set_dropout
from molt.training.fit.learner import passes


class PairLearner:
    """The model of `base` with a new head, on the hardware that it learns on."""

    def __init__(
        self, base: Checkpoint, *, hardware: Hardware, max_length: int, dropout: float | str
    ) -> None:
        self._hardware = hardware
        self._tokenizer = Tokenizer(base.path / "tokenizer.json", max_length=max_length)
        self._loaded = load_cross_encoder(
            base.path, max_length=base.max_length, device=hardware.device
        )
        self.model = classifier_of(self._loaded)
        self._typed = self.model.config.model_type == "bert"
        if isinstance(dropout, float):
            set_dropout(self.model, dropout)

    def logits(self, pairs: Sequence[tuple[str, str]]) -> Tensor:
        """Logits `(n,) float32` of queries with texts, in their order."""
        read = [self._tokenizer.pair(query, [text])[0] for query, text in pairs]
        lengths = torch.tensor([len(pair.ids) for pair in read])
        order = torch.argsort(lengths, descending=True, stable=True)
        device, parts = self._hardware.device, []
        for rows, _ in passes(order, lengths[order].tolist(), tokens=self._hardware.tokens):
            batch = _padded([read[row] for row in rows.tolist()], typed=self._typed)
            with torch.autocast(device, torch.bfloat16, enabled=self._hardware.bf16):
                found = self.model(**{name: each.to(device) for name, each in batch.items()})
            parts.append(found.logits.float().squeeze(-1))
        return torch.cat(parts)[torch.argsort(order).to(device)]

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Scores `(n,) float32` with the weights that it has at that moment."""
        self.model.eval()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            return self.logits([(query, text) for text in texts]).cpu().numpy()

    def save(self, folder: Path) -> None:
        """As transformers saves one, so that a checkpoint can be made of it."""
        self.model.save_pretrained(folder)
        self._loaded.tokenizer.save_pretrained(folder)


def _padded(pairs: Sequence[PairIds], *, typed: bool) -> dict[str, Tensor]:
    """Ids, mask and perhaps types `(n, length) int64`."""
    shape = len(pairs), max(len(pair.ids) for pair in pairs)
    names = ("input_ids", "attention_mask", *(("token_type_ids",) if typed else ()))
    batch = {name: torch.zeros(shape, dtype=torch.int64) for name in names}
    for at, pair in enumerate(pairs):
        length = len(pair.ids)
        batch["input_ids"][at, :length] = torch.from_numpy(pair.ids)
        batch["attention_mask"][at, :length] = 1
        if typed:
            batch["token_type_ids"][at, :length] = torch.from_numpy(pair.types)
    return batch
