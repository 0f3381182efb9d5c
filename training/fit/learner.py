"""The learner: a checkpoint's model as it is trained, computing without padding waste.

Whatever batch it is given, it computes in passes of texts of like length and puts the vectors
back in order, so a batch may mix lengths as chance has it: nothing about the loss changes. Where
the hardware has bfloat16, only the encoder computes in it; vectors and losses stay in fp32.
"""

from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from transformers.utils.logging import disable_progress_bar

from molt.encoder.content import is_static
from molt.training.fit.hardware import Hardware

_SEQUENCES = ("input_ids", "attention_mask", "token_type_ids")


class Learner(SentenceTransformer):
    """A `SentenceTransformer` whose forward pass splits and sorts."""

    hardware = Hardware(device="cpu", bf16=False, tokens=2048)

    def forward(self, input: dict[str, Tensor], **kwargs: Any) -> dict[str, Tensor]:  # noqa: A002  its base class' word
        """Vectors `(n, dim) float32` under "sentence_embedding", in the order of the texts."""
        mask = input.get("attention_mask")
        if mask is None:
            return super().forward(input, **kwargs)
        lengths = mask.sum(dim=1)
        order = torch.argsort(lengths, descending=True, stable=True)
        vectors = []
        for rows, length in passes(order, lengths[order].tolist(), tokens=self.hardware.tokens):
            part = {name: input[name][rows, :length] for name in _SEQUENCES if name in input}
            with torch.autocast(mask.device.type, torch.bfloat16, enabled=self.hardware.bf16):
                vectors.append(super().forward(part, **kwargs)["sentence_embedding"].float())
        return {"sentence_embedding": torch.cat(vectors)[torch.argsort(order)]}


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
