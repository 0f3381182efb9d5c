"""The student: made once by a run, with how near it came to its teacher."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree

from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from molt.artifact import write_atomically
from molt.encoder import Checkpoint, CheckpointStore
from molt.engine.vector_cache import Vectors
from molt.training.distilling.closeness import Closeness, measure_closeness
from molt.training.distilling.config import Static
from molt.training.distilling.cutting import cut_layers
from molt.training.distilling.learning import STATES, learn
from molt.training.distilling.recipe import Recipe
from molt.training.distilling.tabulating import tabulate
from molt.training.distilling.teaching import teach
from molt.training.distilling.texts import split_texts
from molt.training.export.checkpoints import Provenance, make_checkpoint
from molt.training.export.static import TokenTable, read_table, write_table
from molt.training.fit.embedding import opened
from molt.training.fit.fitted import Workplace
from molt.training.fit.learner import Learner
from molt.training.fit.progress import Event, EventLog, told

_START = "start"
_DONE = "student.json"


@dataclass(frozen=True)
class Student:
    """The checkpoint, and how near its vectors in fp32 are to the teacher's."""

    checkpoint: Checkpoint
    closeness: Closeness


def make_student(
    recipe: Recipe, *, store: CheckpointStore, workplace: Workplace, log: EventLog
) -> Student:
    """Make it, or return what this very run has made before. Raises as `make_checkpoint` does."""
    done = workplace.folder / _DONE
    if done.exists():
        known = json.loads(done.read_text(encoding="utf-8"))
        if known["checkpoint"] in store.ids():
            return Student(store.open(known["checkpoint"]), Closeness(**known["closeness"]))
    closeness = _write_model(recipe, workplace, log)
    log(Event("export"))
    made = make_checkpoint(
        workplace.model,
        store=store,
        pooling=None if isinstance(recipe.shape, Static) else recipe.teacher.pooling,
        prompts=recipe.prompts,
        max_length=recipe.teacher.max_length,
        provenance=Provenance(
            base_model=recipe.teacher.base_model,
            parent=recipe.teacher.id,
            training=recipe.training,
            data=recipe.data,
            metrics={f"teacher_{name}": value for name, value in asdict(closeness).items()},
        ),
    )
    finished = {"checkpoint": made.id, "closeness": asdict(closeness)}
    write_atomically(done, json.dumps(finished).encode())
    for name in (_START, STATES):
        rmtree(workplace.folder / name, ignore_errors=True)
    rmtree(workplace.model)
    return Student(made, closeness)


def _write_model(recipe: Recipe, workplace: Workplace, log: EventLog) -> Closeness:
    """Leave the student's model at `workplace.model`."""
    teacher, config = recipe.teacher, recipe.config.distil
    texts, held_out = split_texts(recipe.reading.texts, limit=config.texts, seed=config.seed)
    with opened(teacher, workplace.cache) as encoder:
        known = teach(encoder, held_out, cache=workplace.cache)
        taught = teach(encoder, texts, cache=workplace.cache, progress=told(log))
    directions = taught.directions(recipe.dimensions)
    log(Event("start"))
    _write_start(recipe, directions, workplace.folder / _START)
    learner = learn(
        workplace.folder / _START,
        taught.along(directions),
        held_out=known.along(directions),
        prompts=recipe.prompts,
        max_length=teacher.max_length,
        config=config.fitting(recipe.shape),
        workplace=workplace,
        log=log,
    )
    _save(learner, workplace, max_length=teacher.max_length)
    return measure_closeness(workplace.model, known, prompts=recipe.prompts)


def _write_start(recipe: Recipe, directions: Vectors, start: Path) -> None:
    """Leave the model that learning starts from at `start`."""
    if not isinstance(recipe.shape, Static):
        cut_layers(recipe.teacher, recipe.layers, start)
        return
    rmtree(start, ignore_errors=True)
    start.mkdir(parents=True)
    table = tabulate(recipe.teacher, directions)
    write_table(table, start, max_length=recipe.teacher.max_length)


def _save(learner: Learner, workplace: Workplace, *, max_length: int) -> None:
    rmtree(workplace.model, ignore_errors=True)
    if not isinstance(learner[0], StaticEmbedding):
        learner.save_pretrained(str(workplace.model), create_model_card=False)
        return
    workplace.model.mkdir(parents=True)
    vectors = learner[0].embedding.weight.detach().cpu().numpy()
    tokenizer = read_table(workplace.folder / _START).tokenizer
    write_table(TokenTable(vectors, tokenizer), workplace.model, max_length=max_length)
