from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from molt.encoder import Checkpoint
from molt.training.distilling.closeness import measure_closeness
from molt.training.distilling.cutting import cut_layers
from molt.training.distilling.learning import Shuffled, learn
from molt.training.distilling.teaching import TeacherVectors
from molt.training.distilling.texts import split_texts
from molt.training.export.graph import load_model
from molt.training.fit.fitted import RunFolder
from molt.training.fit.progress import EventLog, OnEvent, TrainingEvent, unwatched
from tests.training.distilling.conftest import ONE_LAYER, Cook
from tests.training.models import write_model


@dataclass(frozen=True)
class Lesson:
    """What the teacher says of the letters, and a student of one layer that shall learn it."""

    teacher: Checkpoint
    taught: TeacherVectors
    held_out: TeacherVectors
    folder: Path
    cook: Cook

    def learn(self, name: str, *, on_event: OnEvent = unwatched, **distil: object) -> Path:
        """Learn in a run_folder of that name; where the model is."""
        run_folder = RunFolder(self.folder / name, self.folder / "cache")
        run_folder.folder.mkdir(exist_ok=True)
        start = run_folder.folder / "start"
        cut_layers(self.teacher, [1], start)
        learner = learn(
            start,
            self.taught,
            held_out=self.held_out,
            prompts=self.teacher.prompts,
            max_length=self.teacher.max_length,
            config=self.cook(**distil).config.distil.fitting(ONE_LAYER),
            run_folder=run_folder,
            log=EventLog(run_folder.folder / "events.jsonl", on_event),
        )
        learner.save_pretrained(str(run_folder.model), create_model_card=False)
        return run_folder.model

    def cosine(self, model: Path) -> float:
        """How near a model is to the teacher on held-out texts."""
        found = measure_closeness(model, self.held_out, prompts=self.teacher.prompts)
        assert found.cosine is not None
        return found.cosine


@pytest.fixture
def lesson(base: Checkpoint, cook: Cook, tmp_path: Path) -> Lesson:
    teacher = replace(base, path=write_model(tmp_path))  # whose layers do more than the base's
    model = load_model(teacher.path)
    taught, held_out = (
        TeacherVectors(
            part, model.encode([*part.queries, *part.documents], normalize_embeddings=True)
        )
        for part in split_texts(cook().reading.texts, limit=1000, seed=0)
    )
    return Lesson(teacher, taught, held_out, tmp_path, cook)


def weights(model: Path) -> bytes:
    return (model / "model.safetensors").read_bytes()


def test_a_student_comes_nearer_to_its_teacher_and_keeps_its_best_epoch(lesson: Lesson) -> None:
    events: list[TrainingEvent] = []
    model = lesson.learn("run", on_event=events.append)
    cosines = [event.cosine for event in events if event.cosine is not None]
    assert len(cosines) == 2
    assert lesson.cosine(model) == pytest.approx(max(cosines), abs=1e-3)
    assert lesson.cosine(model) > lesson.cosine(lesson.folder / "run" / "start") + 0.01


def test_an_interrupted_student_ends_as_an_undisturbed_one_and_another_seed_elsewhere(
    lesson: Lesson,
) -> None:
    def interrupt(event: TrainingEvent) -> None:
        if event.stage == "training" and event.epoch > 1:
            raise KeyboardInterrupt

    undisturbed = lesson.learn("whole")
    with pytest.raises(KeyboardInterrupt):
        lesson.learn("interrupted", on_event=interrupt)
    events: list[TrainingEvent] = []
    resumed = lesson.learn("interrupted", on_event=events.append)
    assert [event.epoch for event in events if event.cosine is not None] == [2]
    assert weights(resumed) == weights(undisturbed)
    assert weights(lesson.learn("other", seed=1, epochs=1)) != weights(undisturbed)


def test_texts_are_read_behind_the_prompt_of_what_they_are(lesson: Lesson) -> None:
    prompts = replace(lesson.teacher.prompts, query="ask. ", document="doc. ")
    read = lesson.taught.read(prompts)
    assert len(read) == len(lesson.taught.vectors)
    assert read[0] == "ask. " + lesson.taught.texts.queries[0]
    assert read[-1] == "doc. " + lesson.taught.texts.documents[-1]


def test_every_row_comes_once_an_epoch_in_an_order_of_its_own() -> None:
    batches = Shuffled(range(10), batch_size=4, seed=0)  # type: ignore[arg-type]
    epochs = []
    for epoch in (0, 1, 0):
        batches.set_epoch(epoch)
        drawn = list(batches)
        assert [len(batch) for batch in drawn] == [4, 4, 2]
        assert len(batches) == len(drawn)
        epochs.append([row for batch in drawn for row in batch])
    assert sorted(epochs[0]) == list(range(10))
    assert epochs[0] == epochs[2] != epochs[1]
