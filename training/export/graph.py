"""Export: a sentence-transformers model to one ONNX graph, pooling and normalisation included.

The graph takes `input_ids` and `attention_mask` `(n, length) int64`, both of any size, and gives
`vectors` `(n, dim) float32`, and `token_vectors` `(n, length, dim) float32`: the last hidden states
that were pooled. Makes nothing smaller or faster; that is `quantise`'s.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import onnx
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput
from transformers.utils.logging import disable_progress_bar

from molt.encoder import Pooling
from molt.encoder.runtimes.runtime import TOKEN_VECTORS, VECTORS
from molt.training.errors import ExportError

# From opset 23 on, attention is one operator, which runtimes do much faster than its parts.
# ModernBERT's rotary embedding comes out wrong for batches in 23.
_OPSET = 23
_OPSETS = {"modernbert": 22}


def _mean(states: Tensor, attention_mask: Tensor) -> Tensor:
    kept = attention_mask.unsqueeze(-1).to(states.dtype)
    return (states * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1e-9)


def _first(states: Tensor, attention_mask: Tensor) -> Tensor:  # noqa: ARG001 - as the others
    return states[:, 0]


_POOLS: dict[Pooling, Callable[[Tensor, Tensor], Tensor]] = {
    Pooling.MEAN: _mean,
    Pooling.CLS: _first,
}


class _TextEncoder(nn.Module):
    """Ids and mask in, one normalised vector per text and one vector per token out."""

    def __init__(self, transformer: nn.Module, pooling: Pooling) -> None:
        super().__init__()
        self.transformer = transformer
        self.config = getattr(transformer, "config", None)
        self.pool = _POOLS[pooling]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        states: Tensor = self.transformer(
            input_ids=input_ids, attention_mask=attention_mask
        ).last_hidden_state
        return nn.functional.normalize(self.pool(states, attention_mask), dim=1), states


class TokenTableLookup(nn.Module):
    """A static embedding in a transformer's place: of each token its vector, whatever is around."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        tokens, width = table.shape
        self.table = nn.Embedding(tokens, width, _weight=table)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> BaseModelOutput:  # noqa: ARG002
        """Look them up."""
        return BaseModelOutput(last_hidden_state=self.table(input_ids))


def transformer_of(model: SentenceTransformer) -> nn.Module:
    """What makes token vectors in `model`, to be exported."""
    if isinstance(model[0], StaticEmbedding):
        return TokenTableLookup(model[0].embedding.weight.detach())
    return cast("nn.Module", model[0].auto_model)


def load_model(path: Path) -> SentenceTransformer:
    """A staged model on the CPU in float32, safetensors only, nothing of it executed."""
    disable_progress_bar()  # type: ignore[no-untyped-call]
    return SentenceTransformer(
        str(path),
        device="cpu",
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True, "dtype": torch.float32},
    ).eval()


def export_graph(transformer: nn.Module, *, pooling: Pooling, target: Path) -> None:
    """Write the graph of `transformer` with `pooling` to `target`.

    Raises `ExportError` where it cannot be traced.
    """
    trace(
        _TextEncoder(transformer, pooling),
        target,
        inputs=["input_ids", "attention_mask"],
        outputs=[VECTORS, TOKEN_VECTORS],
    )


def trace(model: nn.Module, target: Path, *, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Write the graph of `model`, which takes ids, mask and perhaps token types, to `target`.

    Raises `ExportError` where it cannot be traced.
    """
    mask = torch.ones((2, 7), dtype=torch.int64)
    mask[1, 5:] = 0
    types = torch.zeros_like(mask)
    types[:, 3:] = 1
    sizes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                model.eval(),
                (torch.full_like(mask, 5), mask, types)[: len(inputs)],
                dynamo=True,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=dict.fromkeys(inputs, sizes),
                opset_version=_opset(model),
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise ExportError(f"the model cannot be exported: {error}") from error
    if program is None:
        raise ExportError("the model cannot be exported: the exporter returned no graph")
    program.save(str(target), external_data=False)
    _forget_maker(target)


def _forget_maker(path: Path) -> None:
    """Remove the exporter's notes, in which are the paths of this machine."""
    model = onnx.load(str(path))
    graph = model.graph
    for part in (*graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    graph.ClearField("metadata_props")
    model.ClearField("metadata_props")
    onnx.save(model, str(path))


def _opset(model: nn.Module) -> int:
    config = getattr(model, "config", None)
    return _OPSETS.get(getattr(config, "model_type", ""), _OPSET)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from warning about its own insides."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
