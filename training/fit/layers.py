"""Layers: what of a model learns, from when on, and how fast."""

import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from torch import nn
from transformers import TrainerCallback

from molt.training.errors import FitError
from molt.training.fit.config import FreezingConfig, LoraConfig, OptimiserConfig
from molt.training.fit.learner import Learner

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_LAYER = re.compile(r"\.layers?\.(\d+)\.")
_EMBEDDINGS = re.compile(r"\bembeddings\.")
_NOT_DECAYED = re.compile(r"\.bias$|[Nn]orm\.weight$")


def layer_of(name: str) -> int:
    """The layer of a parameter by its name: 0 for embeddings, from 1 on for layers, -1 above."""
    if _EMBEDDINGS.search(name):
        return 0
    found = _LAYER.search(name)
    return int(found[1]) + 1 if found else -1


def count_layers(model: nn.Module) -> int:
    """How many transformer layers a model has."""
    return max((layer_of(name) for name, _ in model.named_parameters()), default=0)


def parameter_groups(model: nn.Module, config: OptimiserConfig) -> list[dict[str, Any]]:
    """AdamW's groups of every parameter, frozen ones too: they may thaw later.

    The top layer has the full learning rate, each one below `layer_decay` of the one above.
    """
    top = count_layers(model)
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        layer = layer_of(name)
        decayed = _NOT_DECAYED.search(name) is None
        groups.setdefault((top if layer < 0 else layer, decayed), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": config.learning_rate * config.layer_decay ** (top - layer),
            "weight_decay": config.weight_decay if decayed else 0.0,
        }
        for (layer, decayed), parameters in sorted(groups.items(), key=lambda pair: pair[0])
    ]


def freeze(model: nn.Module, config: FreezingConfig, *, epoch: int) -> None:
    """Let only that learn which does in `epoch` (from 0).

    Raises `FitError` where nothing would be left to learn.
    """
    frozen = max(0, config.layers - config.thaw * epoch)
    if config.layers >= count_layers(model):
        raise FitError(
            f"freezing.layers is {config.layers}, and the model has {count_layers(model)}; "
            "freeze fewer"
        )
    for name, parameter in model.named_parameters():
        layer = layer_of(name)
        embeddings = layer == 0 and (config.embeddings or frozen > 0)
        parameter.requires_grad_(not (embeddings or 1 <= layer <= frozen))


class Thawing(TrainerCallback):
    """Lets frozen layers learn as the epochs pass."""

    def __init__(self, config: FreezingConfig) -> None:
        self._config = config

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002
        """Called by the trainer, also where it resumes."""
        freeze(more["model"], self._config, epoch=int(state.epoch or 0))


def set_dropout(model: nn.Module, share: float) -> None:
    """Give every dropout of the model, of hidden states and of attention, this share."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        elif isinstance(getattr(module, "attention_dropout", None), float):
            setattr(module, "attention_dropout", share)  # noqa: B010  of no declared type


def add_adapters(learner: Learner, config: LoraConfig) -> "PeftModel":
    """Put low-rank adapters beside every linear layer and freeze the rest (Hu et al. 2021).

    `merge_adapters` takes what this returns.
    """
    from peft import LoraConfig as Adapters  # noqa: PLC0415  heavy, and for few runs
    from peft import get_peft_model  # noqa: PLC0415

    model = cast("PreTrainedModel", learner[0].auto_model)
    settings = Adapters(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=list(_linear(model)),
    )
    with warnings.catch_warnings():  # peft asks transformers for an attribute by its old name
        warnings.simplefilter("ignore", FutureWarning)
        adapted: PeftModel = get_peft_model(model, settings)
    return adapted


def merge_adapters(adapted: "PeftModel") -> None:
    """Fold the adapters into the weights, in place; the model is then as any other."""
    adapted.merge_and_unload()


def _linear(model: nn.Module) -> Iterator[str]:
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and _LAYER.search(f".{name}."):
            yield name
