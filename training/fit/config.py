"""How to fit: every key that a configuration file may set, with its default and its bounds.

Reads no file; `training.config` does.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Objective(StrEnum):
    """What a task's loss asks for."""

    INFONCE = "infonce"
    CACHED_INFONCE = "cached-infonce"
    CONTRASTIVE = "contrastive"
    ONLINE_CONTRASTIVE = "online-contrastive"
    COSENT = "cosent"
    TRIPLET = "triplet"
    MARGIN_MSE = "margin-mse"
    KL = "kl"
    NONE = "none"


DISTILLING = frozenset((Objective.MARGIN_MSE, Objective.KL))
CONTRASTING = DISTILLING | {Objective.INFONCE, Objective.CACHED_INFONCE, Objective.TRIPLET}
"""Those that compare a text which answers with others that do not."""
Ranking = Literal["infonce", "cached-infonce", "triplet", "margin-mse", "kl", "none"]
Scoring = Literal["auto", "cosent", "contrastive", "online-contrastive", "none"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ObjectiveConfig(_Section):
    """Which loss each kind of task is learnt with."""

    positives: Ranking = Field(
        "infonce", description="Loss for queries with texts that answer them."
    )
    triplets: Ranking = Field(
        "infonce", description="Loss for a query, a text that answers it, and one that does not."
    )
    scored: Scoring = Field(
        "auto",
        description="Loss for texts with a degree of relevance. `auto` is CoSENT where at least "
        "a tenth of the examples is not relevant at all, and none elsewhere: votes among good "
        "answers say little about what is a bad one.",
    )
    scale: float = Field(20.0, gt=0, le=200, description="Inverse temperature of InfoNCE and KL.")
    symmetric: bool = Field(
        default=False, description="InfoNCE also from the document to its query."
    )
    mini_batch: int = Field(
        32, ge=1, le=4096, description="Texts computed at once by `cached-infonce`."
    )
    matryoshka: tuple[int, ...] = Field(
        (), description="Shorter dimensions that shall work too, longest first; empty for none."
    )
    teacher: str | None = Field(
        None,
        description="Id of the checkpoint that `margin-mse` and `kl` learn from: an encoder, or a "
        "cross-encoder, whose scores are divided by `scale`.",
    )
    late_interaction: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Weight of a second loss beside that of whole texts: InfoNCE over MaxSim of "
        "their token vectors, as `tokens` re-ranks; 0 for none.",
    )

    @model_validator(mode="after")
    def _has_token_vectors(self) -> Self:
        cached = Objective.CACHED_INFONCE in {self.positives, self.triplets}
        if self.late_interaction and cached:
            raise ValueError(
                "cached-infonce keeps no token vectors for late_interaction: set "
                "objective.positives and objective.triplets to infonce"
            )
        return self

    def distilling(self) -> Self:
        """The same, where the teacher is learnt from at all; else by `margin-mse` what ranks."""
        if DISTILLING & {self.positives, self.triplets}:
            return self
        return self.model_copy(update={"positives": "margin-mse", "triplets": "margin-mse"})

    @model_validator(mode="after")
    def _needs_teacher(self) -> Self:
        if self.teacher is None and DISTILLING & {self.positives, self.triplets}:
            raise ValueError("margin-mse and kl learn from a teacher: set objective.teacher")
        return self


class NegativesConfig(_Section):
    """Hard negatives: documents that the current encoder ranks high and nobody judged relevant."""

    per_query: int = Field(1, ge=0, le=16, description="Hard negatives of an example; 0 for none.")
    depth: int = Field(30, ge=1, le=1000, description="How many best documents are looked at.")
    margin: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="A negative's score is at most the positive's less this share of it: what "
        "scores higher is too likely to be relevant and not judged.",
    )
    remine: bool = Field(
        default=False, description="Mine again before every epoch, with the encoder as it then is."
    )


class OptimiserConfig(_Section):
    """AdamW and its schedule."""

    learning_rate: float = Field(5e-5, gt=0, le=1, description="Of the top layer, at its peak.")
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="Each layer's learning rate is the one above's times this."
    )
    weight_decay: float = Field(0.01, ge=0, le=1, description="Of weights; never of biases.")
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps that warm up.")
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = Field(
        "linear", description="How the learning rate falls after the warm-up."
    )
    max_grad_norm: float = Field(1.0, gt=0, description="Gradients are clipped to this norm.")


class FreezingConfig(_Section):
    """What does not learn, or not from the start."""

    embeddings: bool = Field(default=False, description="Leave the embedding table as it is.")
    layers: int = Field(0, ge=0, description="How many of the lowest layers do not learn.")
    thaw: int = Field(0, ge=0, description="How many of those start to learn with each epoch.")


class LoraConfig(_Section):
    """Low-rank adapters instead of full fine-tuning; merged into the weights at the end."""

    rank: int = Field(0, ge=0, le=256, description="0 for full fine-tuning.")
    alpha: int = Field(32, ge=1, description="Scale of the adapters, divided by the rank.")
    dropout: float = Field(0.05, ge=0, lt=1, description="Dropout before the adapters.")


class CrossEncoderConfig(_Section):
    """What `--kind cross-encoder` learns by, beside the negatives, the optimiser and the run."""

    loss: Literal["listwise", "bce"] = Field(
        "listwise",
        description="`listwise` is a softmax over each query's texts, with `bce` beside it so that "
        "a score stays a log-odd; `bce` takes each pair alone as relevant or not.",
    )
    negatives: int = Field(7, ge=1, le=31, description="Hard negatives beside each positive.")
    batch_size: int = Field(8, ge=1, le=512, description="Positives in a step.")
    depth: int = Field(
        50, ge=2, le=100, description="How many of the base's best documents are ranked again."
    )
    dev_pairs: int = Field(
        2000, ge=100, description="After each epoch at most so many pairs of dev are scored."
    )


class RunConfig(_Section):
    """The run as a whole."""

    epochs: int = Field(3, ge=1, le=100, description="Passes over the examples, at most.")
    batch_size: int = Field(64, ge=2, le=8192, description="Examples in a step.")
    patience: int = Field(
        1, ge=1, le=100, description="Epochs without a better dev nDCG@10 before it stops."
    )
    max_length: int | None = Field(
        None,
        ge=8,
        description="Tokens read of a text while training; if unset, as when serving.",
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] | Literal["model"] = Field(
        0.0, description="Of hidden states and attention; `model` for the model's own."
    )
    pairs_ratio: float = Field(
        2.0,
        gt=0,
        description="How many examples of pairs, triplets and scored pairs an epoch draws for each "
        "one of judgments, at most; where there are no judgments, all.",
    )
    curriculum: bool = Field(
        default=False, description="Begin with the easiest half of the examples."
    )
    dev_documents: int = Field(
        2000,
        ge=100,
        description="Dev is ranked after each epoch against at most so many.",
    )
    save_steps: int = Field(200, ge=1, description="Steps between two states that a kill can lose.")
    seed: int = Field(0, ge=0, lt=2**31, description="Of everything that is random.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to compute.")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="`auto` is bf16 where the device computes in it."
    )


class FitConfig(_Section):
    """Every section."""

    objective: ObjectiveConfig = ObjectiveConfig()
    negatives: NegativesConfig = NegativesConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    freezing: FreezingConfig = FreezingConfig()
    lora: LoraConfig = LoraConfig()
    cross_encoder: CrossEncoderConfig = CrossEncoderConfig()
    run: RunConfig = RunConfig()

    @model_validator(mode="after")
    def _adapters_or_layers(self) -> Self:
        if self.lora.rank and (self.freezing.layers or self.freezing.embeddings):
            raise ValueError("lora freezes every layer already: leave freezing out")
        return self
