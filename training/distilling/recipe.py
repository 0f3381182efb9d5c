"""The recipe: everything that decides what is distilled, and the name of the run. Makes nothing."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from molt.artifact import canonical_json
from molt.encoder import Checkpoint, Prompts
from molt.encoder.content import is_static
from molt.training.distilling.config import DistilConfig, FewerLayers, Shape, Static
from molt.training.distilling.cutting import choose_layers, count_layers
from molt.training.distilling.texts import Reading
from molt.training.errors import FitError

_FORMAT = 1
_DIMENSIONS = 256


@dataclass(frozen=True)
class Recipe:
    """A collection's texts, a teacher, what it is distilled into, and how."""

    reading: Reading
    teacher: Checkpoint
    shape: Shape
    config: DistilConfig

    @property
    def prompts(self) -> Prompts:
        """The student's: the teacher's, but in a mean of tokens a prompt would only add a bias."""
        return Prompts() if isinstance(self.shape, Static) else self.teacher.prompts

    @property
    def dimensions(self) -> int:
        """How many numbers a vector of the student has."""
        if isinstance(self.shape, Static):
            return self.shape.dimensions
        return self.teacher.dimension

    @property
    def layers(self) -> list[int]:
        """Which of the teacher's layers the student starts from."""
        if isinstance(self.shape, Static):
            return []
        return choose_layers(self.shape.layers, of=count_layers(self.teacher))

    @property
    def training(self) -> dict[str, Any]:
        """How it is made, for the manifest."""
        method = "model2vec" if isinstance(self.shape, Static) else "layers"
        made = {"method": method, "kept": self.layers} | asdict(self.shape)
        return {"distilled": made} | self.config.model_dump(mode="json")

    @property
    def data(self) -> dict[str, str]:
        """What it is made from, for the manifest."""
        judged, texts = self.reading.judged, self.reading.texts
        digest = texts.digest if judged is None else judged.dataset.digest
        return {"collection": self.reading.collection, "digest": digest}

    @property
    def id(self) -> str:
        """16 hex digits over the teacher, the texts, the shape and the configuration."""
        body = {
            "format": _FORMAT,
            "teacher": self.teacher.id,
            "data": self.data["digest"],
            "training": self.training,
        }
        return hashlib.sha256(canonical_json(body)).hexdigest()[:16]


def choose_shape(teacher: Checkpoint, *, layers: int | None, dimensions: int | None) -> Shape:
    """Fewer layers where a number is given, else a static embedding; raises as `check_shape`."""
    if layers is not None:
        shape: Shape = FewerLayers(layers)
    else:
        shape = Static(dimensions or min(_DIMENSIONS, teacher.dimension))
    check_shape(shape, teacher)
    return shape


def check_shape(shape: Shape, teacher: Checkpoint) -> None:
    """Raise `FitError` where `teacher` cannot be distilled into `shape`."""
    if is_static(teacher.path):
        raise FitError(
            f"{teacher.id} is a static embedding and has no layers to learn from; name the "
            f"checkpoint that it was made from ({teacher.parent or 'unknown'}) as the teacher"
        )
    if isinstance(shape, Static) and shape.dimensions > teacher.dimension:
        raise FitError(
            f"vectors of {teacher.id} have {teacher.dimension} numbers; ask for at most as many, "
            f"not {shape.dimensions}"
        )
    if isinstance(shape, FewerLayers) and shape.layers >= count_layers(teacher):
        raise FitError(
            f"{teacher.id} has {count_layers(teacher)} layers; ask for fewer, not {shape.layers}"
        )
