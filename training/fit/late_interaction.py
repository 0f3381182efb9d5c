"""The late-interaction term: token vectors that learn to meet as the token re-ranker compares them.

InfoNCE (van den Oord et al. 2018) over MaxSim (Khattab & Zaharia 2020, "ColBERT", section 3.3)
beside the loss of the pooled vectors, of the same forward pass. MaxSim is that of
`encoder.late_interaction` but for its rounding to a byte a number: cosines of the last hidden
states, without special tokens and those of prompts, the query's tokens weighed by their rarity.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from molt.encoder import InputType
from molt.encoder.late_interaction.token_weights import TokenWeights
from molt.training.fit.learner import Learner, TokenStates

POOLED, LATE_INTERACTION = "pooled", "late_interaction"
"""What the parts of the loss are called in the trainer's log."""


class LateInteractionLoss(nn.Module):
    """A loss of pooled vectors, and `weight` times the term beside it.

    Every positive and hard negative of a batch is a candidate of each query, of which its own
    positive shall have the highest MaxSim; `scale` is the inverse temperature.
    """

    def __init__(self, learner: Learner, pooled: nn.Module, *, weight: float, scale: float) -> None:
        super().__init__()
        self.pooled = pooled
        self._learner = learner
        self._weight = weight
        self._scale = scale
        self._special = torch.tensor(_special_ids(learner), device=learner.device)
        self._prompts = {one: _prompt_length(learner, one) for one in InputType}
        self._rarity = TokenWeights(learner.tokenizer.get_vocab())

    def forward(
        self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor
    ) -> dict[str, Tensor]:
        """Both parts, to be added. The columns are queries, positives, and then hard negatives."""
        columns = list(sentence_features)
        with self._learner.keeping_tokens() as kept:
            pooled = self.pooled(columns, labels)
        size = len(columns[0]["input_ids"])
        queries = [self._own(text, InputType.QUERY) for text in kept[:size]]
        documents = [self._own(text, InputType.DOCUMENT) for text in kept[size:]]
        scores = maxsim(
            [query.vectors for query in queries],
            [document.vectors for document in documents],
            weights=[self._weights(query) for query in queries],
        )
        positives = torch.arange(size, device=scores.device)
        term = self._weight * cross_entropy(self._scale * scores, positives)
        return {POOLED: pooled, LATE_INTERACTION: term}

    def _own(self, text: TokenStates, input_type: InputType) -> TokenStates:
        """Of a text's tokens those that are its own."""
        ordinary = torch.isin(text.ids, self._special, invert=True).nonzero().flatten()
        own = ordinary[self._prompts[input_type] :]
        return TokenStates(text.ids[own], text.vectors[own])

    def _weights(self, query: TokenStates) -> Tensor:
        weights = self._rarity.of(query.ids.cpu().numpy())
        return torch.from_numpy(weights).to(query.vectors.device)


def maxsim(
    queries: Sequence[Tensor], documents: Sequence[Tensor], *, weights: Sequence[Tensor]
) -> Tensor:
    """How near each document is to each query, `(n, m) float32`, from -1 to 1.

    Of each text the vectors of its tokens `(length, dim)`; the `weights` of a query's `(length,)`
    sum to 1. A text without tokens has 0. Beside the vectors this takes two numbers for each token
    of the queries with each document, however long documents are.
    """
    asked, read = (normalize(torch.cat([*texts]), dim=1) for texts in (queries, documents))
    bounds = [0, *accumulate(map(len, documents))]
    nearest: Tensor = _Nearest.apply(asked, read, bounds)  # type: ignore[no-untyped-call]
    lengths = torch.tensor([len(query) for query in queries], device=asked.device)
    owners = torch.arange(len(queries), device=asked.device).repeat_interleave(lengths)
    found = nearest.new_zeros(len(queries), len(documents))
    return found.index_add(0, owners, torch.cat([*weights])[:, None] * nearest)


class _Nearest(torch.autograd.Function):
    """For each token of `queries` `(t, dim)` the cosine of each document's nearest one, `(t, m)`.

    The tokens of all documents stand one behind the other in `documents`, those of one between two
    of `bounds`. Which is the nearest is kept for the gradients, and all similarities are not.
    """

    @staticmethod
    def forward(ctx: Any, queries: Tensor, documents: Tensor, bounds: Sequence[int]) -> Tensor:
        cosines = queries.new_zeros(len(queries), len(bounds) - 1)
        places = torch.zeros_like(cosines, dtype=torch.int64)
        for at, (start, stop) in enumerate(pairwise(bounds)):
            if start < stop:
                found = (queries @ documents[start:stop].T).max(dim=1)
                cosines[:, at], places[:, at] = found.values, start + found.indices
        ctx.save_for_backward(queries, documents, places)
        ctx.bounds = bounds
        return cosines

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        queries, documents, places = ctx.saved_tensors
        to_queries, to_documents = torch.zeros_like(queries), torch.zeros_like(documents)
        for at, (start, stop) in enumerate(pairwise(ctx.bounds)):
            if start < stop:
                gradient, nearest = gradients[0][:, at, None], places[:, at]
                to_queries += gradient * documents[nearest]
                to_documents.index_add_(0, nearest, gradient * queries)
        return to_queries, to_documents, None


def _special_ids(learner: Learner) -> list[int]:
    """The ids of tokens that stand for nothing of a text."""
    tokenizer = learner.tokenizer
    return sorted(set(tokenizer.all_special_ids) - {tokenizer.unk_token_id})


def _prompt_length(learner: Learner, input_type: InputType) -> int:
    """How many tokens the prompt of texts of this type has; its last space begins a text's."""
    prompt = learner.prompts.get(input_type.value) or ""
    read = learner.tokenizer(prompt.rstrip(), add_special_tokens=False)
    return len(read["input_ids"])
