"""The learner: a checkpoint's model as it is trained, computing without padding waste.

Whatever batch it is given, it computes in passes of texts of like length and puts the vectors
back in order, so a batch may mix lengths as chance has it: nothing about the loss changes. Where
the hardware has bfloat16, only the encoder computes in it; vectors and losses stay in fp32.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from transformers.utils.logging import disable_progress_bar

from molt.encoder.content import is_static
from molt.training.fit.hardware import Hardware

_SEQUENCES = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True)
class TokenStates:
    """The tokens of a text, special ones and those of its prompt too.

    `ids` `(length,) int64`; `vectors` `(length, dim) float32`, the last hidden states before
    pooling, with their gradients.
    """

    ids: Tensor
    vectors: Tensor


class Learner(SentenceTransformer):
    """A `SentenceTransformer` whose forward pass splits and sorts."""

    hardware = Hardware(device="cpu", bf16=False, tokens=2048)
    _kept: list[TokenStates] | None = None

    @contextmanager
    def keeping_tokens(self) -> Iterator[list[TokenStates]]:
        """The tokens of all texts that pass within the block, in the order in which they come."""
        kept: list[TokenStates] = []
        self._kept = kept
        try:
            yield kept
        finally:
            self._kept = None

    def forward(self, input: dict[str, Tensor], **kwargs: Any) -> dict[str, Tensor]:  # noqa: A002  its base class' word
        """Vectors `(n, dim) float32` under "sentence_embedding", in the order of the texts."""
        mask = input.get("attention_mask")
        if mask is None:
            return super().forward(input, **kwargs)
        lengths = mask.sum(dim=1)
        order = torch.argsort(lengths, descending=True, stable=True)
        vectors, tokens = [], []
        for rows, length in passes(order, lengths[order].tolist(), tokens=self.hardware.tokens):
            part = {name: input[name][rows, :length] for name in _SEQUENCES if name in input}
            with torch.autocast(mask.device.type, torch.bfloat16, enabled=self.hardware.bf16):
                made = super().forward(part, **kwargs)
            vectors.append(made["sentence_embedding"].float())
            if self._kept is not None:
                tokens += _token_states(part["input_ids"], made["token_embeddings"], lengths[rows])
        places = torch.argsort(order)
        if self._kept is not None:
            self._kept += [tokens[place] for place in places.tolist()]
        return {"sentence_embedding": torch.cat(vectors)[places]}


def passes(order: Tensor, lengths: list[int], *, tokens: int) -> list[tuple[Tensor, int]]:
    """Rows to compute together, longest first, and the length of the longest of them."""
    found = []
    start = 0
    while start < len(lengths):
        longest = max(1, lengths[start])
        stop = start + max(1, tokens // longest)
        found.append((order[start:stop], longest))
        start = stop
    return found


def _token_states(ids: Tensor, vectors: Tensor, lengths: Tensor) -> list[TokenStates]:
    """Each text of a pass without the padding behind it."""
    return [
        TokenStates(ids[row, :length], vectors[row, :length].float())
        for row, length in enumerate(lengths.tolist())
    ]


def open_learner(path: Path, *, hardware: Hardware, max_length: int) -> Learner:
    """The staged model at `path` in fp32, from safetensors alone; nothing of it is executed.

    A static embedding has its maximum length in its tokenizer.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    learner = Learner(
        str(path),
        device=hardware.device,
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True, "dtype": torch.float32},
    )
    learner.hardware = hardware
    learner.model_card_data.generate_widget_examples = False
    learner.model_card_data.widget = [{}]  # else a trainer makes some, and draws a bar of its own
    if not is_static(path):
        learner.max_seq_length = max_length
    return learner
