"""A small encoder of each architecture, and its pooling written the slow way."""

from typing import Any

import torch
from torch import Tensor
from transformers import (
    BertConfig,
    DistilBertConfig,
    ModernBertConfig,
    MPNetConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from molt.encoder import Pooling

SIZES: dict[str, Any] = {
    "vocab_size": 100,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 50,
    "initializer_range": 0.5,
}
SMALL_DISTILBERT = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}
LOCAL = {"local_attention": 8, "global_attn_every_n_layers": 2, "pad_token_id": 0}
CONFIGURATIONS = {
    "bert": BertConfig(**SIZES),
    "modernbert": ModernBertConfig(
        **SIZES, **LOCAL, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2
    ),
    "roberta": RobertaConfig(**SIZES),
    "xlm-roberta": XLMRobertaConfig(**SIZES),
    "mpnet": MPNetConfig(**SIZES),
    "distilbert": DistilBertConfig(
        vocab_size=100, max_position_embeddings=50, initializer_range=0.5, **SMALL_DISTILBERT
    ),
}


def pooled(states: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Pooling and normalisation, written the slow way."""
    rows = []
    for row, kept in zip(states, mask.bool(), strict=True):
        chosen = row[0] if pooling is Pooling.CLS else row[kept].mean(dim=0)
        rows.append(chosen / chosen.norm())
    return torch.stack(rows)
