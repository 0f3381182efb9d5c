"""The model of a checkpoint, opened to be looked into: its layers, attention and gradients.

A text is read as the encoder that serves reads it. A token that is taken away is masked: nothing
attends to it and it is not pooled; the others keep their places.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from molt.encoder import Checkpoint, Encoder, InputType, Lane, ModelKind, Pooling
from molt.training.export.graph import load_model, transformer_of

MOST_READ = 64
"""So far a passage is read where it is looked at token by token."""
_BATCH = 32
_LEAST = 1e-9

Doubles = NDArray[np.float64]
KeptTokens = NDArray[np.bool_]


@dataclass(frozen=True)
class InspectedText:
    """The ids `(length,) int64` of a text, and at which places `(m,) int64` its own tokens stand.

    `tokens` are the characters of those; the others are of the prompt, or the model's own.
    """

    ids: NDArray[np.int64]
    places: NDArray[np.int64]
    tokens: tuple[str, ...]


class OpenedModel:
    """One bi-encoder in float32, on the CPU. Raises as its encoder does."""

    def __init__(self, checkpoint: Checkpoint, encoder: Encoder) -> None:
        self.checkpoint = checkpoint
        self.is_static = checkpoint.kind is ModelKind.STATIC
        self._encoder = encoder
        self._transformer = transformer_of(load_model(checkpoint.path)).eval()
        for weight in self._transformer.parameters():
            weight.requires_grad_(False)  # noqa: FBT003  torch's own
        if not self.is_static:  # other implementations give no attention
            self._transformer.set_attn_implementation("eager")  # type: ignore[operator]

    def read(
        self, texts: Sequence[str], input_type: InputType, *, most: int = MOST_READ
    ) -> list[InspectedText]:
        """The first `most` tokens of each text and those around them."""
        found = self._encoder.encode_tokens(texts, input_type=input_type, lane=Lane.BACKGROUND)
        return [
            _first(each.ids, each.offsets, text, most)
            for each, text in zip(found, texts, strict=True)
        ]

    def vector(self, read: InspectedText) -> Tensor:
        """`(dim,)`, of length 1."""
        with torch.no_grad():
            ids = _tensor(read.ids)[None]
            return self.pooled(self._states(ids, torch.ones_like(ids)), torch.ones_like(ids))[0]

    def similarities(self, read: InspectedText, target: Tensor, kept: KeptTokens) -> Doubles:
        """The cosine `(n,)` of a text with `target` `(dim,)` where of its tokens these are `kept`
        `(n, m)`.
        """
        masks = np.ones((len(kept), len(read.ids)), np.int64)
        masks[:, read.places] = kept
        ids, found = _tensor(read.ids)[None], []
        with torch.no_grad():
            for start in range(0, len(masks), _BATCH):
                mask = _tensor(masks[start : start + _BATCH])
                states = self._states(ids.expand(len(mask), -1), mask)
                found.append((self.pooled(states, mask) @ target).double().numpy())
        return np.concatenate(found)

    def embedded(self, read: InspectedText) -> tuple[Tensor, Tensor]:
        """The input embeddings `(1, length, width)`, and those of a text of padding alone."""
        table = self._transformer.get_input_embeddings()  # type: ignore[operator]
        ids = _tensor(read.ids)[None]
        blank = ids.clone()
        padding: int | None = self._transformer.config.pad_token_id  # type: ignore[union-attr,assignment]
        blank[0, _tensor(read.places)] = padding or 0
        return table(ids).detach(), table(blank).detach()

    def similarity_of(self, embeddings: Tensor, target: Tensor) -> Tensor:
        """The cosine `(n,)` with `target` of texts of which the input embeddings are given."""
        mask = torch.ones(embeddings.shape[:2], dtype=torch.int64)
        states = self._transformer(inputs_embeds=embeddings, attention_mask=mask).last_hidden_state
        return self.pooled(states, mask) @ target

    def attentions(self, read: InspectedText) -> Doubles:
        """`(layers, length, length)`: what each token attends to, by the mean of all heads."""
        ids = _tensor(read.ids)[None]
        with torch.no_grad():
            found = self._transformer(
                input_ids=ids, attention_mask=torch.ones_like(ids), output_attentions=True
            ).attentions
        return np.stack([layer[0].mean(dim=0).double().numpy() for layer in found])

    def layers(self, texts: Sequence[str], input_type: InputType) -> NDArray[np.float32]:
        """`(layers + 1, n, dim)`: the pooled vectors of texts after each layer, of length 1.

        The first are those of the input embeddings.
        """
        read = self.read(texts, input_type)
        return np.concatenate([self._layers_of(each) for each in read], axis=1)

    def pooled(self, states: Tensor, mask: Tensor) -> Tensor:
        """`(n, dim)`, of length 1."""
        if self.checkpoint.pooling is Pooling.CLS:
            return nn.functional.normalize(states[:, 0], dim=1)
        kept = mask.unsqueeze(-1).to(states.dtype)
        return nn.functional.normalize(
            (states * kept).sum(1) / kept.sum(1).clamp(min=_LEAST), dim=1
        )

    def _layers_of(self, read: InspectedText) -> NDArray[np.float32]:
        ids = _tensor(read.ids)[None]
        mask = torch.ones_like(ids)
        with torch.no_grad():
            found = self._transformer(
                input_ids=ids, attention_mask=mask, output_hidden_states=True
            ).hidden_states
            return np.stack([self.pooled(layer, mask).numpy() for layer in found])

    def _states(self, ids: Tensor, mask: Tensor) -> Tensor:
        found: Tensor = self._transformer(input_ids=ids, attention_mask=mask).last_hidden_state
        return found


def _first(
    ids: NDArray[np.int64], offsets: NDArray[np.int64], text: str, most: int
) -> InspectedText:
    """Those of the text beyond the first `most` are left out."""
    own = offsets[:, 1] > offsets[:, 0]
    kept = np.flatnonzero(~own | (np.cumsum(own) <= most))
    places = np.flatnonzero(own[kept])
    tokens = tuple(text[start:end] for start, end in offsets[kept][places].tolist())
    return InspectedText(ids[kept], places, tokens)


def _tensor(numbers: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(numbers))
